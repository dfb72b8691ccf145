package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"posd/drivers/port"
	"posd/drivers/port/porttest"
	"posd/hwtest/devicesim"
	"posd/hwtest/suite"
)

// suiteOn runs the verb against a simulated printer and gives what the terminal shows, and the folder of the report.
func suiteOn(t *testing.T, o devicesim.PrinterOptions, c suitePrinterCmd) (out string, dir string, err error) {
	t.Helper()
	var term bytes.Buffer
	c.Port, c.Report = "/dev/slip", t.TempDir()
	g := &globals{In: strings.NewReader(""), Out: &term, Err: &term}
	synctest.Test(t, func(t *testing.T) {
		bench := porttest.NewBench()
		defer bench.Close()
		bench.Attach(c.Port, devicesim.NewPrinter(o))
		var opt suite.Options
		if opt, err = c.options(g, port.Address{Kind: port.Serial, Path: c.Port, Baud: 9600}, bench.Open); err == nil {
			err = c.check(t.Context(), g, opt)
		}
	})
	return term.String(), c.Report, err
}

func TestTheSuiteShowsItsChecksAndWritesBothReports(t *testing.T) {
	out, dir, err := suiteOn(t, devicesim.PrinterOptions{}, suitePrinterCmd{Device: "maker X80", Option: map[string]string{"profile": "chinese-58"}})
	if err != nil || !strings.Contains(out, " 7  ok ") || !strings.Contains(out, "nothing failed of 24 checks") {
		t.Errorf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{"report.html": "maker X80", "junit.xml": `value="escpos profile=chinese-58"`} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v, without %q", name, err, want)
		}
	}
}

func TestTheSuiteEndsInAnErrorWhenACheckFails(t *testing.T) {
	out, _, err := suiteOn(t, devicesim.PrinterOptions{Clone: true}, suitePrinterCmd{Only: []int{5}})
	if err == nil || !strings.Contains(err.Error(), "1 of 4 checks failed; see ") || !strings.Contains(out, " 5  failed ") || !strings.Contains(out, "-> posd works with") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheSuiteRefusesAChecksNumberAndAnOptionThatAreNone(t *testing.T) {
	for want, c := range map[string]suitePrinterCmd{
		"the checks are 1 to 24": {Only: []int{25}},
		"unknown option":         {Option: map[string]string{"paper": "80"}},
	} {
		if _, _, err := suiteOn(t, devicesim.PrinterOptions{}, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTheSuiteCountsNoAnswerOfAPersonAsSkipped(t *testing.T) {
	out, _, err := suiteOn(t, devicesim.PrinterOptions{}, suitePrinterCmd{Ask: true, Only: []int{14}})
	if err != nil || !strings.Contains(out, "[y/n]") || !strings.Contains(out, "14  skipped ") {
		t.Errorf("%v\n%s", err, out)
	}
}
