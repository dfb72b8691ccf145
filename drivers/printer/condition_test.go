package printer_test

import (
	"slices"
	"strings"
	"testing"

	"posd/drivers/printer"
)

func names(all []printer.Condition) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.Name)
	}
	return out
}

func TestEveryConditionHasItsRemedyInTwoLanguages(t *testing.T) {
	well := printer.Status{Online: true}
	cases := map[string]printer.Status{
		"cover": {CoverOpen: true}, "paper_end": {PaperOut: true, PaperLow: true}, "paper_low": {Online: true, PaperLow: true},
		"cutter": {Fault: printer.FaultCutter}, "hot": {Fault: printer.FaultHot}, "broken": {Fault: printer.FaultBroken},
		"mechanical": {Fault: printer.FaultMechanical}, "offline": {},
		"profile": {Online: true, Mismatch: printer.Mismatch{Says: "TM-T88IV", Set: "chinese-80", Fits: "TM-T88IV"}},
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			all := s.Conditions()
			if got := names(all); !slices.Equal(got, []string{name}) {
				t.Fatalf("got %q", got)
			}
			c := all[0]
			if c.Why == "" || c.Remedy == "" || c.WhyZH == "" || c.RemedyZH == "" || c.Stops != (s.Err() != nil) || strings.Contains(c.Why+c.Remedy+c.WhyZH+c.RemedyZH, "%") {
				t.Errorf("got %+v", c)
			}
			began, ended := printer.Changes(well, s)
			back, gone := printer.Changes(s, well)
			if !slices.Equal(names(began), []string{name}) || len(ended) > 0 || len(back) > 0 || !slices.Equal(names(gone), []string{name}) {
				t.Errorf("began %q, ended %q; back: began %q, ended %q", names(began), names(ended), names(back), names(gone))
			}
		})
	}
	if got := well.Conditions(); len(got) > 0 {
		t.Errorf("a printer that is well has %q", names(got))
	}
}

func TestTheMostUrgentConditionComesFirst(t *testing.T) {
	s := printer.Status{CoverOpen: true, PaperOut: true, PaperLow: true, Fault: printer.FaultCutter}
	if got, want := names(s.Conditions()), []string{"cover", "paper_end", "cutter"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	began, ended := printer.Changes(printer.Status{Online: true, PaperLow: true}, printer.Status{PaperOut: true, PaperLow: true})
	if !slices.Equal(names(began), []string{"paper_end"}) || !slices.Equal(names(ended), []string{"paper_low"}) {
		t.Errorf("began %q, ended %q", names(began), names(ended))
	}
}
