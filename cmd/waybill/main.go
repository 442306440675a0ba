// Command waybill is a self-hosted ledger of message delivery.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "devel"

// cli is the command line. Each flag can also be given in the environment, as
// WAYBILL_ and its name, and in the file that --config names.
type cli struct {
	ConfigFile string `name:"config" help:"Read settings from this YAML file." type:"existingfile" predictor:"file" env:"WAYBILL_CONFIG" placeholder:"FILE"`

	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Demo    demoCmd    `cmd:"" help:"Run the server with tenants and traffic made up for a try."`
	Apply   applyCmd   `cmd:"" help:"Make the directory of tenants what a file says."`
	Import  importCmd  `cmd:"" help:"Bring in events, tables of them, or saved webhooks."`
	Query   queryCmd   `cmd:"" help:"Ask for counts: a table with a chart, CSV, JSON, NDJSON or Parquet."`
	Export  exportCmd  `cmd:"" help:"Write counts or messages to a file."`
	Verify  verifyCmd  `cmd:"" help:"Recompute every counter from the messages and report what differs."`
	Backup  backupCmd  `cmd:"" help:"Copy the data, also of a running server."`
	Restore restoreCmd `cmd:"" help:"Make a data directory from a backup."`
	Dump    dumpCmd    `cmd:"" help:"Show what the store holds, for people."`
	Keys    keysCmd    `cmd:"" help:"Access keys and tokens, and what a user may do."`
	Config  configCmd  `cmd:"" name:"config" help:"Print the settings of a command and where each comes from."`
	Health  healthCmd  `cmd:"" help:"Ask a running server whether it is ready."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Completion completionCmd `cmd:"" help:"Print what makes a shell complete command lines."`
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// fail prints err and returns the exit code.
func (c console) fail(code int, err error) int {
	_, _ = fmt.Fprintln(c.err, "waybill:", err) // there is nobody else to tell
	return code
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0, 1 for a failure,
// 2 for a wrong command line, or what an exitError says.
func run(ctx context.Context, args []string, c console) int {
	if isSet(completionVariable) {
		return completeLine(c)
	}
	exit := -1
	_, parsed, err := parse(args, c,
		kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(c, commandLine(args), configFile(configPath(args))))
	if exit >= 0 { // --help has printed what there is to say
		return exit
	}
	if err != nil {
		return c.fail(2, err)
	}
	err = parsed.Run()
	if e, ok := errors.AsType[exitError](err); ok {
		return c.fail(e.code, err)
	}
	if err != nil {
		return c.fail(1, err)
	}
	return 0
}

// An exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

// flagHelp says what a flag is for, its default, in whose place the help may show
// another word, and its variable.
func flagHelp(v *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(v)
	at := strings.LastIndex(help, "($")
	if at < 0 || v.Default == "" || v.Flag == nil || v.Flag.PlaceHolder == "" {
		return help
	}
	return help[:at] + "(default " + v.Default + ", " + help[at+1:]
}

// parse reads a command line, with the environment and the file of settings.
func parse(args []string, c console, options ...kong.Option) (*cli, *kong.Context, error) {
	flags := new(cli)
	parser, err := newParser(flags, c, options...)
	if err != nil {
		return nil, nil, err
	}
	if err := addConfigFile(parser, args); err != nil {
		return nil, nil, err
	}
	parsed, err := parser.Parse(args)
	return flags, parsed, err
}

func newParser(flags *cli, c console, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(flags, append([]kong.Option{
		kong.Name("waybill"),
		kong.Description("A self-hosted ledger of message delivery: webhooks go in, metrics come out."),
		kong.DefaultEnvars("WAYBILL"),
		kong.Writers(c.out, c.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(flagHelp),
	}, options...)...)
}
