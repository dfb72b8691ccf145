package main

import (
	"bytes"
	"context"
	"errors"
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

// interruptedSuite runs the verb, which is interrupted behind its third check.
func interruptedSuite(t *testing.T, c suitePrinterCmd) (out string, err error) {
	t.Helper()
	var term bytes.Buffer
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	b := porttest.NewBench()
	defer b.Close()
	b.Attach("/dev/slip", devicesim.NewPrinter(devicesim.PrinterOptions{}))
	o, err := c.options(&globals{In: strings.NewReader(""), Out: &term, Err: &term}, port.Address{Kind: port.Serial, Path: "/dev/slip", Baud: 9600}, b.Open)
	if err != nil {
		t.Fatal(err)
	}
	tell := o.Tell
	o.Tell = func(r suite.Result) {
		tell(r)
		if r.Number == 3 {
			giveUp()
		}
	}
	err = c.check(ctx, &globals{Out: &term, Err: &term}, o)
	return term.String(), err
}

func TestTheSuiteThatIsInterruptedSaysSoAndReportsWhatItHas(t *testing.T) {
	c := suitePrinterCmd{Report: t.TempDir()}
	out, err := interruptedSuite(t, c)
	if err == nil || errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "interrupted; see ") || strings.Contains(out, "nothing failed") {
		t.Errorf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{"report.html": "it was interrupted", "junit.xml": `tests="24" failures="0" skipped="21"`} {
		if b, err := os.ReadFile(filepath.Join(c.Report, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v, without %q", name, err, want)
		}
	}
	if _, err = interruptedSuite(t, suitePrinterCmd{}); err == nil || err.Error() != "interrupted" {
		t.Errorf("without a report: %v", err)
	}
}

func TestAVerbThatIsInterruptedDoesNotEndWith0(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	for line, want := range map[string]int{"wallet analyse --codes 1000": problem, "sim printer --listen 127.0.0.1:0": success} {
		var out, errs bytes.Buffer
		code := hwtest(ctx, &globals{In: strings.NewReader(""), Out: &out, Err: &errs}, strings.Fields(line))
		if code != want || (want == problem) != strings.Contains(errs.String(), ": interrupted\n") {
			t.Errorf("%s: exit code %d, %s", line, code, errs.String())
		}
	}
}

func TestTheSuiteCountsNoAnswerOfAPersonAsSkipped(t *testing.T) {
	out, _, err := suiteOn(t, devicesim.PrinterOptions{}, suitePrinterCmd{Ask: true, Only: []int{14}})
	if err != nil || !strings.Contains(out, "[y/n]") || !strings.Contains(out, "14  skipped ") {
		t.Errorf("%v\n%s", err, out)
	}
}
