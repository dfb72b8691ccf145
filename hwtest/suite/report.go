package suite

import (
	"bytes"
	_ "embed" // the page
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"time"

	"posd/drivers/printer/escpos"
	"posd/drivers/printer/paper"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"picture": picture,
	"seconds": func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) },
	"words":   func(v Verdict) Words { return verdictWords[v] },
}).Parse(page))

var verdictWords = map[Verdict]Words{OK: {"ok", "通过"}, Failed: {"failed", "未通过"}, Skipped: {"skipped", "跳过"}}

// About is what a report says above its table.
type About struct {
	Device string // as whoever runs it calls the printer; may be empty
	Port   string
	Driver string // its options
	Posd   string // version
}

// HTML writes a report for people: one file that needs no other.
func HTML(w io.Writer, s Suite, about About) error {
	return pageTemplate.Execute(w, struct {
		Suite
		About
		Passed, Bad, Skips int
	}{s, about, s.count(OK), s.Failed(), s.count(Skipped)})
}

// picture is what a check's bytes look like on paper; nothing when they leave no mark.
func picture(p escpos.Print) template.HTML {
	marks := false
	for _, s := range p.Slips {
		marks = marks || len(s.Lines) > 0
	}
	var svg bytes.Buffer
	if !marks || paper.SVG(&svg, p) != nil {
		return ""
	}
	return template.HTML(svg.String()) //nolint:gosec // made by paper, which escapes text
}

// The shapes of JUnit's XML, as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		Time    string     `xml:"time,attr"`
		Failure *junitWhy  `xml:"failure"`
		Skipped *junitWhy  `xml:"skipped"`
		Out     *junitText `xml:"system-out"`
	}
	junitWhy struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	junitText struct {
		Text string `xml:",chardata"`
	}
)

// JUnit writes a report for machines.
func JUnit(w io.Writer, s Suite, about About) error {
	one := junitSuite{
		Name: "printer", Tests: len(s.Results), Failures: s.Failed(), Skipped: s.count(Skipped),
		Time: junitTime(s.Took), Timestamp: s.Began.UTC().Format("2006-01-02T15:04:05"),
	}
	facts := [][2]string{{"device", about.Device}, {"port", about.Port}, {"driver", about.Driver}, {"posd", about.Posd}}
	for _, f := range append(facts, s.Facts...) {
		one.Properties = append(one.Properties, junitProperty{f[0], f[1]})
	}
	for _, r := range s.Results {
		one.Cases = append(one.Cases, junitOf(r))
	}
	all := junitSuites{
		Name: "hwtest suite printer", Tests: one.Tests, Failures: one.Failures, Skipped: one.Skipped, Time: one.Time, Suites: []junitSuite{one},
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func junitOf(r Result) junitCase {
	c := junitCase{Name: fmt.Sprintf("%02d %s", r.Number, r.Name.EN), Class: "printer", Time: junitTime(r.Took)}
	switch r.Verdict {
	case Failed:
		c.Failure = &junitWhy{r.Why.EN, r.Remedy.EN + "\n" + r.Why.ZH + "\n" + r.Remedy.ZH}
	case Skipped:
		c.Skipped = &junitWhy{Message: r.Why.EN}
	case OK:
		c.Out = &junitText{r.Why.EN}
	}
	return c
}
