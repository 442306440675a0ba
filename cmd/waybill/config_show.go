package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

type configCmd struct {
	JSON bool `env:"-" help:"Print JSON."`

	Command []string `arg:"" optional:"" passthrough:"partial" help:"The command line whose settings are printed; serve by default." placeholder:"COMMAND"`
}

// Help has the examples.
func (*configCmd) Help() string {
	return `A flag stands over the environment, the environment over the file of settings. Secrets are not printed.

Examples:
  waybill config
  waybill --config waybill.yaml config serve --listen :80
  waybill config --json query`
}

// A setting is the value of a flag, and where it comes from.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// Run parses the command line, without running it, and prints its settings.
func (cmd *configCmd) Run(c console, file configFile) error {
	args := cmd.Command
	if len(args) == 0 {
		args = []string{"serve"}
	}
	if file != "" {
		args = append([]string{"--config=" + string(file)}, args...)
	}
	_, parsed, err := parse(args, c, kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	all, err := settingsOf(parsed, configPath(args))
	if err != nil {
		return err
	}
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(all)
	}
	rows := [][]string{{"SETTING", "VALUE", "FROM"}}
	for _, s := range all {
		rows = append(rows, []string{s.Name, s.Value, s.From})
	}
	return writeColumns(c.out, rows)
}

// A configFile is the path of the file of settings, if there is one.
type configFile string

// settingsOf returns the settings of a command line by name.
func settingsOf(parsed *kong.Context, file string) ([]setting, error) {
	inFile := make(map[string]any)
	if file != "" {
		var err error
		if inFile, err = readSettings(file); err != nil {
			return nil, err
		}
	}
	given := make(map[*kong.Flag]bool)
	for _, p := range parsed.Path {
		if p.Flag != nil && !p.Resolved {
			given[p.Flag] = true
		}
	}
	all := []setting{}
	for _, f := range parsed.Flags() {
		if f.Name == "help" {
			continue
		}
		s := setting{Name: f.Name, Value: textOfFlag(parsed, f), From: "default"}
		env := slices.IndexFunc(f.Envs, isSet)
		_, listed := inFile[f.Name]
		switch {
		case given[f]:
			s.From = "flag"
		case env >= 0:
			s.From = "environment, " + f.Envs[env]
		case listed:
			s.From = "file, " + file
		}
		all = append(all, s)
	}
	if isSet(secretKeyVariable) && slices.ContainsFunc(all, func(s setting) bool { return s.Name == "secret-key-file" }) {
		all = append(all, setting{"secret-key", concealed(os.Getenv(secretKeyVariable)), "environment, " + secretKeyVariable})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, nil
}

// textOfFlag returns the value of a flag as one would write it.
func textOfFlag(parsed *kong.Context, f *kong.Flag) string {
	value := parsed.FlagValue(f)
	if f.Tag.Has("secret") {
		return concealed(fmt.Sprint(value))
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Slice:
		texts := make([]string, v.Len())
		for i := range texts {
			texts[i] = fmt.Sprint(v.Index(i))
		}
		return strings.Join(texts, ",")
	case reflect.Map:
		var texts []string
		for _, key := range v.MapKeys() {
			texts = append(texts, fmt.Sprintf("%v=%v", key, v.MapIndex(key)))
		}
		sort.Strings(texts)
		return strings.Join(texts, ",")
	}
	text := fmt.Sprint(value)
	if u, err := url.Parse(text); err == nil && u.User != nil {
		return u.Redacted()
	}
	return text
}

// concealed stands for a secret.
func concealed(secret string) string {
	if secret == "" {
		return ""
	}
	return "***"
}
