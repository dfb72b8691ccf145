package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"posd/daemon/payment"
)

// journalCmd is about the journal: everything that has happened to money, on disk.
type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Check the whole journal: every event's place in the chain, and every table derived from them."`
	Show   journalShowCmd   `cmd:"" help:"Show what happened, of one sale or of all."`
	Export journalExportCmd `cmd:"" help:"Write a copy that any SQLite tool opens, or a file of JSON lines."`
}

// Help teaches where the journal is read.
func (journalCmd) Help() string {
	return `The journal holds every event, each with the hash of the one before. Events are never changed and never deleted. Card
numbers stand in it as first 6 and last 4, messages to hosts are masked, and wallet codes are not in it at all.

While posd runs, it owns the journal and is asked for it (with the supervisor's token). When it is stopped, the file is read
directly, and nothing in it changes; posd cannot start meanwhile.`
}

// journalFlags are what the verbs have in common.
type journalFlags struct {
	File string `type:"path" placeholder:"FILE" help:"Look at this copy or export instead of posd's own journal."`
}

// records is a journal to look at: that of the running posd, or the file of one that is stopped.
type records interface {
	audit(ctx context.Context) (payment.Audit, error)
	history(ctx context.Context, s payment.Search) ([]payment.Record, int64, error)
	export(ctx context.Context, path string) error
	// sales gives the journal's name, too.
	sales(ctx context.Context, s payment.SaleSearch) (journal string, page []payment.Sale, next int64, err error)
	// owed gives the suspect pairs that are not resolved, and the sales that look alike.
	owed(ctx context.Context, alike time.Duration) ([]payment.Pair, []payment.LookAlike, error)
	live() bool // something may be added while one looks
	io.Closer
}

// journalVerifyCmd checks the journal.
type journalVerifyCmd struct {
	journalFlags

	JSON bool `help:"Print the findings as JSON."`
}

// Help teaches what damage means.
func (journalVerifyCmd) Help() string {
	return `Ends with 1 when something is wrong. A running posd takes no payment from then on, until the journal is whole again: tables that
differ from their events it derives anew by itself; events that were changed or lost need the last good copy.`
}

// Run says what stands in the journal, and whether it is what was written.
func (c *journalVerifyCmd) Run(ctx context.Context, g *globals) error {
	j, err := g.records(ctx, c.File)
	if err != nil {
		return err
	}
	defer j.Close()
	found, err := j.audit(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(g.Out).Encode(found)
	} else {
		printAudit(g.Out, found)
	}
	if err == nil && found.Damage != nil {
		err = errors.New("the journal is damaged")
	}
	return err
}

func printAudit(w io.Writer, found payment.Audit) {
	fmt.Fprintf(w, "journal  %s\n", found.Journal)
	fmt.Fprintf(w, "events   %d", found.Events)
	if found.Events > 0 {
		fmt.Fprintf(w, ", from %s to %s", clock(found.First), clock(found.Last))
	}
	fmt.Fprintf(w, "\nhead     %s\n", found.Head)
	for _, name := range found.Compared {
		fmt.Fprintf(w, "tables   %s: as their events give them\n", name)
	}
	for _, name := range found.Stale {
		fmt.Fprintf(w, "tables   %s: of another version of posd, which derives them anew when it starts\n", name)
	}
	if d := found.Damage; d != nil {
		place := ""
		if d.Event > 0 {
			place = fmt.Sprintf("event %d: ", d.Event)
		}
		fmt.Fprintf(w, "DAMAGE   %s%s\nremedy   %s\n", place, d.What, d.Remedy)
		return
	}
	fmt.Fprintln(w, "whole    every event is in its place, and none was changed")
}

// journalShowCmd shows what happened.
type journalShowCmd struct {
	journalFlags

	Sale     string `arg:"" optional:"" name:"sale" help:"A sale, or SALE/ATTEMPT, or the short id of a slip; nothing for all that happened."`
	Last     int    `default:"50" placeholder:"N" help:"Only the newest N events; of a sale all, unless said (${default})."`
	Follow   bool   `short:"f" help:"Stay, and show what is added."`
	Messages bool   `help:"Show the messages to hosts as well, masked."`
	JSON     bool   `help:"Print events as JSON, one a line."`
	Client   string `placeholder:"TILL" help:"Whose sale it is, when several tills use the same id."`
}

// followJournal is how often a journal that is followed is looked at.
const followJournal = 500 * time.Millisecond

// Run prints a line for each event.
func (c *journalShowCmd) Run(ctx context.Context, g *globals) error {
	j, err := g.records(ctx, c.File)
	if err != nil {
		return err
	}
	defer j.Close()
	if c.Last < 0 {
		return errors.New("--last is how many events to show: a number above 0, or 0 for all of them")
	}
	if c.Follow && !j.live() {
		return errors.New("posd does not run, so nothing is added to its journal: leave --follow out")
	}
	s := payment.Search{Client: c.Client}
	s.Sale, s.Attempt, _ = strings.Cut(c.Sale, "/")
	if s.Sale == "" {
		s.Last = c.Last
	}
	show := c.printer(g)
	for first := true; ; first = false {
		if s.After, err = showAll(ctx, j, s, show); err != nil {
			return err
		}
		if first && s.After == 0 && !c.Follow {
			fmt.Fprintln(g.Err, "nothing has happened yet")
		}
		if s.Last = 0; !c.Follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followJournal):
		}
	}
}

// showAll hands on the records after s.After, page by page, and gives the number of the last one.
func showAll(ctx context.Context, j records, s payment.Search, show func(payment.Record) error) (int64, error) {
	for {
		page, next, err := j.history(ctx, s)
		if err != nil {
			return s.After, err
		}
		for _, r := range page {
			if err := show(r); err != nil {
				return s.After, err
			}
		}
		if next <= s.After || len(page) == 0 {
			return max(next, s.After), nil
		}
		s.After, s.Last = next, 0
	}
}

func (c *journalShowCmd) printer(g *globals) func(payment.Record) error {
	if c.JSON {
		lines := jsonLines(g.Out)
		return lines
	}
	t := newTimeline(g.Out, c.Messages)
	return t.show
}

// jsonLines writes records as they are, one a line.
func jsonLines(w io.Writer) func(payment.Record) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(r payment.Record) error { return enc.Encode(r) }
}

// journalExportCmd writes a copy.
type journalExportCmd struct {
	journalFlags

	To    string `arg:"" name:"file" type:"path" help:"The file to write. One that is there already is left alone."`
	JSONL bool   `name:"jsonl" help:"Write JSON lines, one an event, instead of an SQLite file."`
}

// Help teaches what may be asked of a copy.
func (journalExportCmd) Help() string {
	return `The copy is of one moment, and complete but for sealed card data, which never leaves the machine. Beside the journal's own tables it
has the views sales, attempts, timeline and batches. Amounts are in minor units, times in UTC. For instance:

  sqlite3 FILE.db "SELECT time, kind, amount, trace, code, text FROM timeline WHERE sale = '0042'"
  sqlite3 FILE.db "SELECT rail, state, count(*), sum(amount) FROM attempts WHERE created_at >= '2026-11-28' GROUP BY rail, state"`
}

// Run writes the copy and says what to do with it.
func (c *journalExportCmd) Run(ctx context.Context, g *globals) error {
	if _, err := os.Lstat(c.To); err == nil {
		return fmt.Errorf("%s is there already: choose another name, or move it away", c.To)
	}
	j, err := g.records(ctx, c.File)
	if err != nil {
		return err
	}
	defer j.Close()
	if c.JSONL {
		return exportLines(ctx, j, c.To, g)
	}
	if err := j.export(ctx, c.To); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%s holds the journal; any SQLite tool opens it: views sales, attempts, timeline, batches; posd journal export --help has examples\n", c.To)
	return nil
}

// exportLines writes every event as a line. The events up to the last one are those of one moment, since they are only
// ever added.
func exportLines(ctx context.Context, j records, path string, g *globals) (err error) {
	n := 0
	err = writeNew(path, func(w io.Writer) error {
		line := jsonLines(w)
		_, err := showAll(ctx, j, payment.Search{}, func(r payment.Record) error { n++; return line(r) })
		return err
	})
	if err == nil {
		fmt.Fprintf(g.Out, "%s holds %d events\n", path, n)
	}
	return err
}

// writeNew makes a file that only its owner reads. What could not be written whole is removed.
func writeNew(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}
