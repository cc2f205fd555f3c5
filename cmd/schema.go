package cmd

import (
	"context"
	"errors"
	"reflect"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/strictyaml"
)

func schemaCommand() command {
	return command{
		name: "schema", args: "config|report|waivers",
		short: "print the JSON Schema of a file format, for editors and validators",
		long: `config: envdiff.yaml. report: what -o json writes. waivers: envdiff.waivers.yaml.

An editor with a YAML language server picks the first one up from this line at the top of
envdiff.yaml:
  # yaml-language-server: $schema=.envdiff/envdiff.schema.json
envdiff init writes both.`,
		run: func(_ context.Context, s *session, args []string) (int, error) {
			var out []byte
			var err error
			switch {
			case len(args) == 1 && args[0] == "config":
				out, err = config.Schema()
			case len(args) == 1 && args[0] == "report":
				out = ci.ReportSchema
			case len(args) == 1 && args[0] == "waivers":
				out, err = strictyaml.Schema(reflect.TypeFor[[]ci.Waiver](), "https://envdiff.dev/schema/waivers.yaml.json", "envdiff.waivers.yaml")
			default:
				err = hinted(errors.New("say which schema"), "envdiff schema config, report or waivers")
			}
			if err != nil {
				return 0, err
			}
			_, err = s.world.Stdout.Write(out)
			return exitOK, err
		},
	}
}
