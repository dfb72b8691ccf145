package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"posd/iso8583"
)

// isoDoctorCmd is the verb iso doctor.
type isoDoctorCmd struct {
	Dialect string   `placeholder:"NAME" help:"What the message should be: a preset or the path of a dialect file. Left out: every preset is tried."`
	JSON    bool     `name:"json" help:"Print JSON: one object a dialect, the best first."`
	Hex     []string `arg:"" optional:"" help:"The message in hex or as a dump, with or without its length prefix; a file; - for standard input."`
}

// Help teaches by example.
func (isoDoctorCmd) Help() string {
	return `Says which dialect a message fits, or what is wrong with it: lengths counted in another unit or written in
another form, a length that counts itself, another bitmap, a bit too few or too many, stray bytes, a TPDU that is
missing or doubled, a lost hex digit. Nothing of the message's content is printed.

Examples:

  hwtest iso doctor 00 41 60 00 00 00 00 60 22 00 ...
  hwtest iso doctor --dialect my-acquirer.toml trace.txt`
}

// Run examines one message. It succeeds when something can be said.
func (c *isoDoctorCmd) Run(g *globals) error {
	text, err := textInput(g, c.Hex)
	if err != nil {
		return err
	}
	dialects, err := c.dialects()
	if err != nil {
		return err
	}
	verdicts, err := examined(g, text, dialects)
	if err != nil {
		return err
	}
	if c.Dialect != "" { // the one that was asked for comes first
		i := slices.IndexFunc(verdicts, func(v iso8583.Verdict) bool { return v.Dialect == dialects[0].Name() })
		asked := verdicts[i]
		verdicts = slices.Insert(slices.Delete(verdicts, i, i+1), 0, asked)
	}
	if c.JSON {
		return verdictJSON(g.Out, verdicts)
	}
	printVerdicts(g.Out, verdicts)
	return nil
}

// dialects gives the one that was asked for, and every preset.
func (c isoDoctorCmd) dialects() (list []*iso8583.Dialect, err error) {
	if c.Dialect != "" {
		d, err := dialectFlag{Dialect: c.Dialect}.load()
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	for _, name := range iso8583.Presets() {
		if len(list) > 0 && list[0].Name() == name {
			continue
		}
		d, err := iso8583.Preset(name)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func examined(g *globals, text []byte, dialects []*iso8583.Dialect) ([]iso8583.Verdict, error) {
	if digits, _, _, err := pasted(text); err == nil && len(digits)%2 == 1 {
		return iso8583.ExamineOddHex(digits, dialects...), nil
	}
	raw, err := hexText(g, text)
	if err != nil {
		return nil, err
	}
	return iso8583.Examine(raw, dialects...), nil
}

func printVerdicts(w io.Writer, verdicts []iso8583.Verdict) {
	best, better := verdicts[0], fitting(verdicts)
	switch {
	case best.Fits:
		fmt.Fprintf(w, "fits %s: a whole message, nothing odd in it\n", best.Dialect)
	case better != "" && len(best.Faults) == 1 && len(best.Doubts) == 0: // one fault is as good an explanation
		printFaults(w, best)
		printBetter(w, "or ", best.Dialect, better)
	case better != "":
		printBetter(w, "", best.Dialect, better)
		printFaults(w, best)
	default:
		printFaults(w, best)
	}
	if len(verdicts) > 1 {
		fmt.Fprintln(w, "\nthe other dialects:")
	}
	for _, v := range verdicts[1:] {
		fmt.Fprintf(w, "  %-14s %s\n", v.Dialect, inShort(v, best.Fits))
	}
}

func printBetter(w io.Writer, or, dialect, better string) {
	f := iso8583.Fault{Name: iso8583.FaultWrongPreset}
	fmt.Fprintf(w, "%s%s (%s): this is no message of %s; it looks like one of %s\n", or, f.Name, f.ZH(), dialect, better)
	fmt.Fprintf(w, "  what to do: %s: --dialect %s, or dialect = %q in posd.toml\n", f.Remedy(), better, better)
}

// fitting names another dialect that explains a message better than the first does: one that fits, or one that a known
// fault keeps from fitting where nothing explains the first.
func fitting(verdicts []iso8583.Verdict) string {
	first := verdicts[0]
	for _, v := range verdicts[1:] {
		if v.Fits || len(v.Faults) > 0 && len(first.Faults) == 0 && first.Err != nil {
			return v.Dialect
		}
	}
	return ""
}

func printFaults(w io.Writer, v iso8583.Verdict) {
	if len(v.Faults) == 0 && v.Err == nil {
		fmt.Fprintf(w, "%s: it can be read, but something in it is odd\n", v.Dialect)
	}
	if len(v.Faults) == 0 && v.Err != nil {
		fmt.Fprintf(w, "%s: no fault that is known explains this message; read as it is, it breaks here:\n  %v\n", v.Dialect, v.Err)
	}
	for _, f := range v.Faults {
		fmt.Fprintf(w, "%s: %s (%s)\n  %s\n  what to do: %s\n", v.Dialect, f.Name, f.ZH(), place(f), f.Remedy())
	}
	for _, f := range v.Or {
		fmt.Fprintf(w, "or perhaps: %s (%s)\n  %s\n", f.Name, f.ZH(), place(f))
	}
	for _, d := range v.Doubts {
		fmt.Fprintf(w, "odd: %s\n", d)
	}
}

func place(f iso8583.Fault) string {
	_, where, _ := strings.Cut(f.String(), ": ")
	return where
}

// inShort says in one line why a dialect does not fit.
func inShort(v iso8583.Verdict, too bool) string {
	switch {
	case v.Fits && too:
		return "fits as well"
	case v.Fits:
		return "fits"
	case len(v.Faults) > 1:
		return fmt.Sprintf("%v; and %v", v.Faults[0], v.Faults[1])
	case len(v.Faults) > 0:
		return v.Faults[0].String()
	case v.Err != nil:
		return fmt.Sprintf("%s: %v", iso8583.FaultWrongPreset, v.Err)
	case len(v.Doubts) > 0:
		return "can be read, but: " + strings.Join(v.Doubts, "; ")
	default:
		return string(iso8583.FaultWrongPreset)
	}
}

// verdictLine is a verdict as JSON.
type verdictLine struct {
	Dialect string      `json:"dialect"`
	Fits    bool        `json:"fits"`
	Faults  []faultLine `json:"faults,omitempty"`
	Or      []faultLine `json:"or,omitempty"`
	Doubts  []string    `json:"doubts,omitempty"`
	Error   string      `json:"error,omitempty"`
}

type faultLine struct {
	Fault  iso8583.FaultName `json:"fault"`
	ZH     string            `json:"zh"`
	Path   string            `json:"path"`
	Offset int               `json:"offset"`
	Detail string            `json:"detail"`
	Remedy string            `json:"remedy"`
}

func verdictJSON(w io.Writer, verdicts []iso8583.Verdict) error {
	out := make([]verdictLine, len(verdicts))
	for i, v := range verdicts {
		out[i] = verdictLine{Dialect: v.Dialect, Fits: v.Fits, Faults: faultLines(v.Faults), Or: faultLines(v.Or), Doubts: v.Doubts}
		if v.Err != nil && !v.Fits {
			out[i].Error = v.Err.Error()
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func faultLines(list []iso8583.Fault) (out []faultLine) {
	for _, f := range list {
		out = append(out, faultLine{f.Name, f.ZH(), f.Path, f.Offset, f.Detail, f.Remedy()})
	}
	return out
}
