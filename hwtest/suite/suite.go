// Package suite holds a printer against what posd needs of it: numbered checks, each with a verdict, the reason, and what to do.
//
// What can be found without a person is found by tricks: a question that is hidden in a command's data is answered only by a
// printer that does not know the command; and of a picture that lacks a byte the next question is swallowed.
package suite

import (
	"context"
	"errors"
	"time"

	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/printer/escpos"
	"posd/drivers/printer/profile"
)

// Words are a text for people.
type Words struct{ EN, ZH string }

// Verdict is what became of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped"
)

// Result is what became of one check.
type Result struct {
	Number  int
	Name    Words
	Verdict Verdict
	Why     Words // what was found
	Remedy  Words // failed: what to do
	Took    time.Duration
	Sent    int          // bytes
	Print   escpos.Print // what they should look like on paper
}

// Options say what is checked, and who helps.
type Options struct {
	Open     func(ctx context.Context) (port.Conn, error) // opens the printer; again after it was unplugged
	Baud     int                                          // of a serial line, else 0
	Settings port.Settings                                // of the driver
	Only     []int                                        // these checks, and what they need; all when empty
	Now      func() time.Time
	Tell     func(Result) // told each result at once

	// Please asks a person to do something; nil where nobody is there. It does not wait for it.
	Please func(Words)
	// Ask asks a person whether something is so; nil where nobody is there.
	Ask func(ctx context.Context, question Words) (bool, error)
}

// Suite is what was found.
type Suite struct {
	Began   time.Time
	Took    time.Duration
	Facts   [][2]string // what the printer says of itself
	Results []Result
}

// Failed is how many checks failed.
func (s Suite) Failed() int { return s.count(Failed) }

func (s Suite) count(v Verdict) int {
	n := 0
	for _, r := range s.Results {
		if r.Verdict == v {
			n++
		}
	}
	return n
}

// check is one check. It is run when all that it needs are ok.
type check struct {
	number int
	name   Words
	needs  []int
	hand   bool // needs a person
	run    func(*bench, context.Context) finding
}

// finding is what a check has found; the zero value is not ok.
type finding struct {
	verdict     Verdict
	why, remedy Words
}

func fine(en, zh string) finding { return finding{verdict: OK, why: Words{en, zh}} }

func skipped(en, zh string) finding { return finding{verdict: Skipped, why: Words{en, zh}} }

func failed(why, remedy Words) finding { return finding{Failed, why, remedy} }

// The numbers of checks that others need.
const (
	nOpen = iota + 1
	nStatus
	nReady
	nIdentity
	nProcess
	nFence
	nBytes
)

// checks are all checks, by number. A number stays what it is: makers quote them.
var checks = []check{
	{nOpen, Words{"The port opens", "端口可以打开"}, nil, false, (*bench).opens},
	{nStatus, Words{"It answers when asked for its status (DLE EOT)", "查询状态有应答 (DLE EOT)"}, []int{nOpen}, false, (*bench).status},
	{nReady, Words{"It would print now", "打印机就绪"}, []int{nStatus}, false, (*bench).ready},
	{nIdentity, Words{"It says who it is (GS I, IEEE 1284)", "能报告型号 (GS I, IEEE 1284)"}, []int{nReady}, false, (*bench).identity},
	{nProcess, Words{"It names what is on paper (GS ( H)", "能按编号确认打印完成 (GS ( H)"}, []int{nReady}, false, (*bench).process},
	{nFence, Words{"It answers behind what it has printed (GS r)", "打印后应答 (GS r)"}, []int{nReady}, false, (*bench).fence},
	{nBytes, Words{"Every byte arrives, sent as posd sends", "按 posd 的方式发送，不丢字节"}, []int{nFence}, false, (*bench).bytes},
	{8, Words{"A command that was cut off spoils nothing", "命令中断后不影响下一张小票"}, []int{nFence}, false, (*bench).half},
	{9, Words{"It answers while it prints", "打印过程中可查询状态"}, []int{nFence}, false, (*bench).busy},
	{10, Words{"It tells of changes by itself (GS a)", "状态变化自动上报 (GS a)"}, []int{nReady}, false, (*bench).automatic},
	{11, Words{"Code pages", "代码页"}, []int{nFence}, false, (*bench).pages},
	{12, Words{"Chinese (GB18030)", "中文 (GB18030)"}, []int{nFence}, false, (*bench).chinese},
	{13, Words{"Barcodes (GS k)", "条形码 (GS k)"}, []int{nFence}, false, (*bench).barcodes},
	{14, Words{"QR codes (GS ( k)", "二维码 (GS ( k)"}, []int{nFence}, false, (*bench).qr},
	{15, Words{"Pictures (GS v 0)", "图片 (GS v 0)"}, []int{nFence}, false, (*bench).picture},
	{16, Words{"It cuts (GS V)", "切纸 (GS V)"}, []int{nFence}, false, (*bench).cuts},
	{17, Words{"The cash drawer opens (ESC p)", "钱箱弹出 (ESC p)"}, []int{nFence}, false, (*bench).drawer},
	{18, Words{"A long slip through posd's driver", "通过 posd 驱动打印长小票"}, []int{nFence}, false, (*bench).slip},
	{19, Words{"It stops the line when its buffer is full", "缓冲区满时的流控 (XON/XOFF)"}, []int{nBytes}, false, (*bench).burst},
	{20, Words{"How fast it takes what is printed", "打印数据速率"}, []int{nFence}, false, (*bench).speed},
	{21, Words{"The cover's sensor", "上盖传感器"}, []int{nReady}, true, (*bench).cover},
	{22, Words{"The sensor for the end of the paper", "缺纸传感器"}, []int{nReady}, true, (*bench).paperEnd},
	{23, Words{"The sensor for little paper", "纸将尽传感器"}, []int{nReady}, true, (*bench).paperLow},
	{24, Words{"Pulled out and plugged in again", "拔出后重新插入"}, []int{nReady}, true, (*bench).replug},
}

// Names are the checks' names; the first has number 1.
func Names() []Words {
	var all []Words
	for _, c := range checks {
		all = append(all, c.name)
	}
	return all
}

// bench is a printer under test.
type bench struct {
	o       Options
	conn    port.Conn
	profile *profile.Profile
	sent    []byte // by the check that runs
	named   bool   // it knows process ids
	ids     int    // of process ids
	heard   []printer.Reply
	seen    int  // so many of heard were looked at
	stopped bool // XOFF was the last that was heard of XOFF and XON
	stops   int  // how often that was
	facts   [][2]string
	done    map[int]Verdict
}

// Run runs the checks until ctx ends, which is its only error. What was found until then stands beside it, and the checks that
// are left are skipped.
func Run(ctx context.Context, o Options) (Suite, error) {
	b := &bench{o: o, done: map[int]Verdict{}}
	known, ok := profile.Lookup(o.Settings.Text("profile"))
	if !ok {
		known, _ = profile.Lookup(profile.Default)
	}
	b.profile = known
	defer b.hangUp()
	s := Suite{Began: o.Now()}
	wanted := wantedOf(o.Only)
	for _, c := range checks {
		if !wanted[c.number] {
			continue
		}
		r := b.unlessEnded(ctx, c)
		s.Results = append(s.Results, r)
		if o.Tell != nil && ctx.Err() == nil {
			o.Tell(r)
		}
	}
	s.Facts, s.Took = b.facts, o.Now().Sub(s.Began)
	return s, ctx.Err()
}

// unlessEnded runs one check. What comes of one during which ctx ends says nothing of the printer.
func (b *bench) unlessEnded(ctx context.Context, c check) Result {
	if ctx.Err() == nil {
		if r := b.one(ctx, c); ctx.Err() == nil {
			return r
		}
	}
	f := skipped("it was interrupted", "已中断")
	return Result{Number: c.number, Name: c.name, Verdict: f.verdict, Why: f.why}
}

// wantedOf is the checks that were asked for, with those that they need.
func wantedOf(only []int) map[int]bool {
	wanted := map[int]bool{}
	var want func(n int)
	want = func(n int) {
		wanted[n] = true
		for _, needed := range checks[n-1].needs {
			want(needed)
		}
	}
	for _, c := range checks {
		if len(only) == 0 {
			want(c.number)
		}
	}
	for _, n := range only {
		want(n)
	}
	if len(only) > 0 && wanted[nFence] {
		want(nProcess) // how the others are confirmed
	}
	return wanted
}

// one runs one check, and leaves the printer as it was before.
func (b *bench) one(ctx context.Context, c check) Result {
	r := Result{Number: c.number, Name: c.name}
	begun := b.o.Now()
	b.sent = nil
	f := b.unmet(c)
	if f.verdict == "" {
		f = c.run(b, ctx)
		r.Sent = len(b.sent)
		r.Print = escpos.Read(b.sent, b.reading())
		if f.verdict == Failed && c.number > nReady {
			b.settle(ctx)
		}
	}
	b.done[c.number] = f.verdict
	r.Verdict, r.Why, r.Remedy, r.Took = f.verdict, f.why, f.remedy, b.o.Now().Sub(begun)
	return r
}

// unmet says why a check is not run.
func (b *bench) unmet(c check) finding {
	for _, n := range c.needs {
		if b.done[n] != OK {
			name := checks[n-1].name
			return skipped("it needs check "+itoa(n)+" ("+name.EN+")", "需要先通过第 "+itoa(n)+" 项（"+name.ZH+"）")
		}
	}
	if c.hand && (b.o.Please == nil || b.o.Ask == nil) {
		return skipped("it needs a person: --ask", "需要人工配合：--ask")
	}
	return finding{}
}

// reading says how what was sent is read back for the report.
func (b *bench) reading() escpos.Options {
	o := escpos.Options{Columns: b.profile.Columns, CodePages: b.profile.CodePages}
	if n := b.o.Settings.Int("columns"); n > 0 {
		o.Columns = n
	}
	if b.profile.Wide != profile.WideNone && b.profile.Wide != profile.WideAsk {
		o.Wide = escpos.Wide(b.profile.Wide)
	}
	return o
}

// Why a question has no answer.
var (
	errSilent = errors.New("no answer in time")
	errHeld   = errors.New("XOFF, and no XON in time")
)
