package main

import (
	"fmt"

	"github.com/posener/complete"
	"github.com/willabides/kongplete"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: ${enum}."`
}

// Help has the examples.
func (*completionCmd) Help() string {
	return `Examples:
  source <(waybill completion bash)                # in ~/.bashrc
  source <(waybill completion zsh)                 # in ~/.zshrc, after compinit
  waybill completion fish | source                 # in ~/.config/fish/config.fish`
}

// The shells ask the program itself, with the line in COMP_LINE, so that what they
// complete is always that of the version which is there.
var completionScripts = map[string]string{
	"bash": "complete -o default -o bashdefault -C waybill waybill\n",
	"zsh":  "autoload -U +X bashcompinit && bashcompinit\ncomplete -o default -o bashdefault -C waybill waybill\n",
	"fish": `function __complete_waybill
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    waybill
end
complete -f -c waybill -a "(__complete_waybill)"
`,
}

// Run prints the script of a shell.
func (cmd *completionCmd) Run(c console) error {
	_, err := fmt.Fprint(c.out, completionScripts[cmd.Shell])
	return err
}

// completionVariable has the line that a shell wants to have completed.
const completionVariable = "COMP_LINE"

// completeLine prints what can come next in the line of a shell, and returns the
// exit code.
func completeLine(c console) int {
	parser, err := newParser(new(cli), c)
	if err != nil {
		return c.fail(1, err)
	}
	exit := 0
	kongplete.Complete(parser, kongplete.WithExitFunc(func(code int) { exit = code }), kongplete.WithPredictors(map[string]complete.Predictor{
		"file": complete.PredictFiles("*"),
		"dir":  complete.PredictDirs("*"),
	}))
	return exit
}
