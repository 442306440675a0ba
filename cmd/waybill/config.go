package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"

	"waybill/internal/spelling"
)

// addConfigFile makes the settings of the file named by --config or
// WAYBILL_CONFIG the defaults of the flags of the same names. Flags and the
// environment stand over the file. A name that is no flag is an error, so that
// a typing mistake does not pass for a setting.
func addConfigFile(parser *kong.Kong, args []string) error {
	path := configPath(args)
	if path == "" {
		return nil
	}
	settings, err := readSettings(path)
	if err != nil {
		return err
	}
	known := flagNames(parser.Model.Node)
	for name := range settings {
		if !slices.Contains(known, name) {
			guess := spelling.Question(name, known)
			if guess == "" {
				guess = "; there are " + strings.Join(known, ", ")
			}
			return fmt.Errorf("settings in %s: %q is no setting%s", path, name, guess)
		}
	}
	return kong.Resolvers(kong.ResolverFunc(
		func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
			if slices.ContainsFunc(flag.Envs, isSet) {
				return nil, nil
			}
			return settings[flag.Name], nil
		})).Apply(parser)
}

// readSettings returns what a file of settings has, by name.
func readSettings(path string) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	settings := make(map[string]any)
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fmt.Errorf("settings in %s: %w", path, err)
	}
	return settings, nil
}

// flagNames returns the names of the flags of all commands, once each.
func flagNames(node *kong.Node) []string {
	var names []string
	for _, f := range node.Flags {
		if f.Name != "help" && f.Name != "config" {
			names = append(names, f.Name)
		}
	}
	for _, child := range node.Children {
		names = append(names, flagNames(child)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func configPath(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--config="); ok {
			return value
		}
		if arg == "--config" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return os.Getenv("WAYBILL_CONFIG")
}

func isSet(env string) bool {
	_, ok := os.LookupEnv(env)
	return ok
}
