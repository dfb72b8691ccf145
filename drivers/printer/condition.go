package printer

import "fmt"

// The faults of a status.
const (
	FaultCutter     = "cutter"
	FaultBroken     = "unrecoverable: switch it off and on, else call service"
	FaultHot        = "print head too hot, or stopped for a moment"
	FaultMechanical = "mechanical: open and close the cover"
)

// Condition is something that is the matter with a printer, in words for people.
type Condition struct {
	Name       string // "cover", "paper_end", "profile", "paper_low", "cutter", "hot", "broken", "mechanical", "offline"
	Stops      bool   // nothing is printed while it lasts
	Why        string
	Remedy     string
	WhyZH      string
	RemedyZH   string
	applicable func(Status) bool
}

// conditions are all that there are, the most urgent first.
var conditions = []Condition{
	{
		"cover", true, "the cover is open", "close the cover", "打印机上盖未关", "请合上上盖",
		func(s Status) bool { return s.CoverOpen },
	},
	{
		"paper_end", true, "paper is out", "put in a new roll and close the cover", "打印纸用完", "请装入新纸卷并合上上盖",
		func(s Status) bool { return s.PaperOut },
	},
	{
		"cutter", true, "the cutter is jammed", "switch the printer off, open it, take out the paper at the cutter, switch it on",
		"切纸刀卡住", "请关闭电源，打开上盖，取出切刀处的纸，再开机", func(s Status) bool { return s.Fault == FaultCutter },
	},
	{
		"hot", true, "the print head is too hot, or stopped for a moment", "wait some minutes; it goes on by itself",
		"打印头过热", "请等待几分钟，打印机会自动恢复", func(s Status) bool { return s.Fault == FaultHot },
	},
	{
		"broken", true, "the printer has a fault that it cannot mend", "switch it off and on; if it comes again, call service",
		"打印机故障", "请关机后再开机；如再次出现请报修", func(s Status) bool { return s.Fault == FaultBroken },
	},
	{
		"mechanical", true, "the printer has stopped", "open and close the cover; if it comes again, call service",
		"打印机已停止", "请打开再合上上盖；如再次出现请报修", func(s Status) bool { return s.Fault == FaultMechanical },
	},
	{
		"offline", true, "connected, but it does not answer or will not print",
		"switch it on, press its online button; option status = \"no\" is for printers that never answer",
		"打印机脱机", "请打开打印机电源，按联机键",
		func(s Status) bool {
			return !s.Online && !s.CoverOpen && !s.PaperOut && s.Fault == ""
		},
	},
	{
		"profile", false, "the printer says that it is %[1]q, and its profile is %[2]q: characters may come out wrong",
		"set options = { profile = %[3]q } of this printer", "打印机自报为 %[1]q，与所设型号 %[2]q 不符，字符可能打错",
		"请将该打印机的 options 设为 { profile = %[3]q }", func(s Status) bool { return s.Mismatch != Mismatch{} },
	},
	{
		"paper_low", false, "paper is low", "have a new roll at hand", "打印纸将尽", "请准备新纸卷",
		func(s Status) bool { return s.PaperLow && !s.PaperOut },
	},
}

// Conditions are what is the matter, the most urgent first; nothing when all is well.
func (s Status) Conditions() []Condition {
	var all []Condition
	for _, c := range conditions {
		if c.applicable(s) {
			all = append(all, c.of(s))
		}
	}
	return all
}

// of fills in what a condition says of this printer.
func (c Condition) of(s Status) Condition {
	if m := s.Mismatch; c.Name == "profile" {
		for _, text := range []*string{&c.Why, &c.Remedy, &c.WhyZH, &c.RemedyZH} {
			*text = fmt.Sprintf(*text, m.Says, m.Set, m.Fits) // each names its verbs by number
		}
	}
	return c
}

// Changes are the conditions that began and that ended between two looks at a printer.
func Changes(before, after Status) (began, ended []Condition) {
	for _, c := range conditions {
		switch was, is := c.applicable(before), c.applicable(after); {
		case is && !was:
			began = append(began, c.of(after))
		case was && !is:
			ended = append(ended, c.of(before))
		}
	}
	return began, ended
}
