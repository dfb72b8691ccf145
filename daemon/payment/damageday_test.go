package payment

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
	"posd/daemon/prints"
	"posd/drivers/printer"
)

// specimen is a journal that is to be damaged: its files, and what it has acknowledged.
type specimen struct {
	files  map[string][]byte // by what follows the journal's name: "", "-wal", ".owner" ...
	events []journal.Event
	tables string         // the rows of every derived table
	ends   map[int64]bool // sequence numbers at which a commit ended
}

// denser is the page size of the specimens. posd's own is 4 KiB, at which a journal of 64 KiB would be empty; nothing else
// depends on it.
const denser = "1024"

func damageOptions(path string) journal.Options {
	return journal.Options{
		Path: path, Now: time.Now, Owner: "posd", KeepDamaged: true,
		Projections: []journal.Projection{Projection(), prints.Projection()},
	}
}

// dayOnDisk is a desk on a journal that is a file.
type dayOnDisk struct {
	*bench
	path string
	ends map[int64]bool
}

// onDisk runs part of a day on the journal of a folder.
func onDisk(t *testing.T, path string, ends map[int64]bool, part func(d *dayOnDisk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opt := damageOptions(path)
		opt.AfterCommit = func(seq int64) { ends[seq] = true }
		j, err := journal.Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		queue := prints.New(prints.Options{Journal: j, Now: time.Now})
		slip := func(s Sale, a Attempt) {
			doc := printer.Document{Language: "en", Lines: []printer.Line{printer.Plain(s.ID + " " + a.Said())}}
			if err := queue.Put(t.Context(), a.Key.String()+a.Said(), doc, time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
		}
		b := &bench{t: t, ctx: t.Context(), j: j}
		b.desk = NewDesk(Options{
			Book: NewBook(j, nil, time.Now, log), Card: dayCard(), Wallet: dayWallet(), Now: time.Now, Log: log, Slip: slip,
			Rules: Rules{BackoffMin: 10 * time.Millisecond},
		})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = b.desk.Run(ctx) })
		defer func() {
			cancel()
			run.Wait()
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		part(&dayOnDisk{bench: b, path: path, ends: ends})
	})
}

// dayCard is a host that approves, declines, is silent (and takes the reversal back), and so on.
func dayCard() *script {
	return &script{
		pol: cardPolicy, undos: []Undo{{}, {Outcome: Confirmed, Code: "00"}, {Outcome: Confirmed, Code: "00"}},
		answers: []Answer{yes(1001), {Outcome: Declined, Code: "51"}, {}, yes(1004)},
	}
}

// dayWallet is a gateway whose customer takes her time.
func dayWallet() *script {
	return &script{pol: walletPolicy, answers: []Answer{{Outcome: Pending, After: 10 * time.Millisecond}, yes(2001), yes(2002)}}
}

// trade takes some payments of either rail.
func (d *dayOnDisk) trade(names string) {
	d.t.Helper()
	for i, want := range []string{SaidApproved, SaidDeclined, SaidReversed, SaidApproved} {
		d.sale(fmt.Sprint(names, "-card-", i+1), Cents(1001+i), RailCard, want)
	}
	for i := range 2 {
		d.sale(fmt.Sprint(names, "-wallet-", i+1), Cents(2001+i), RailWallet, SaidApproved)
	}
}

func (d *dayOnDisk) sale(id string, amount Cents, rail Rail, want string) {
	d.t.Helper()
	d.open(id, amount)
	r := request(id, "a", rail)
	r.Print = true
	a := d.said(r, want)
	if err := d.desk.Told(d.ctx, a); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.desk.Ack(d.ctx, "till", id); want == SaidApproved && err != nil {
		d.t.Fatal(err)
	}
}

// specimens are the journal of a whole day after a clean stop, and one of which the power went in the next morning's first
// payments, with what they wrote still in the log.
func specimens(t *testing.T) (closed, live specimen) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	ends := map[int64]bool{}
	onDisk(t, path, ends, func(d *dayOnDisk) { d.trade("monday") })
	repage(t, path)
	for _, id := range []string{"tuesday-1", "tuesday-2", "tuesday-3"} {
		onDisk(t, path, ends, func(d *dayOnDisk) { d.sale(id, 1001, RailCard, SaidApproved) })
	}
	closed = take(t, path, ends)
	onDisk(t, path, ends, func(d *dayOnDisk) {
		d.sale("wednesday-1", 1001, RailCard, SaidApproved)
		time.Sleep(3 * time.Second) // the journal writes its log back
		d.open("wednesday-2", 1002)
		d.open("wednesday-3", 1002)
		live.files = filesOf(t, path)
	})
	dir := filepath.Join(t.TempDir(), "journal.db")
	write(t, dir, live.files)
	files := live.files
	live = take(t, dir, ends)
	live.files = files
	return closed, live
}

// repage rewrites a closed journal with smaller pages.
func repage(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range []string{"PRAGMA journal_mode=DELETE", "PRAGMA page_size=" + denser, "VACUUM"} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// take reads the files of a journal that nobody has open, and then what is in it.
func take(t *testing.T, path string, ends map[int64]bool) specimen {
	t.Helper()
	s := specimen{files: filesOf(t, path), ends: ends}
	j, err := journal.Open(t.Context(), damageOptions(path))
	if err == nil {
		err = j.Blocked()
	}
	if err == nil {
		_, err = j.Verify(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s.events, s.tables, err = contents(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func filesOf(t *testing.T, path string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[strings.TrimPrefix(name, path)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func write(t *testing.T, path string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(path+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// contents reads all events, and all rows of all derived tables.
func contents(ctx context.Context, j *journal.Journal) (events []journal.Event, tables string, err error) {
	if events, err = j.Events(ctx, 0, 0, ""); err != nil {
		return nil, "", err
	}
	var b strings.Builder
	err = j.View(ctx, func(tx *journal.Tx) error {
		for _, table := range append(Projection().Tables(), prints.Projection().Tables()...) {
			fmt.Fprintln(&b, table)
			if err := dump(tx, table, &b); err != nil {
				return err
			}
		}
		return nil
	})
	return events, b.String(), err
}

func dump(tx *journal.Tx, table string, b *strings.Builder) error {
	rows, err := tx.Query("SELECT * FROM " + table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for _, v := range values {
			fmt.Fprintf(b, "%v|", *v.(*any))
		}
		b.WriteByte('\n')
	}
	return rows.Err()
}

// holds reads an open journal of this specimen: how many events it has, and what is wrong with it, if anything is. Where the
// mark of what was acknowledged is missing, it may have lost whole commits at its end.
func (s specimen) holds(ctx context.Context, j *journal.Journal, mayEndEarly bool) (n int, err error) {
	events, tables, err := contents(ctx, j)
	if err != nil {
		return 0, fmt.Errorf("it opens and cannot be read: %w", err)
	}
	n = len(events)
	switch {
	case n > len(s.events), n < len(s.events) && !mayEndEarly:
		return n, fmt.Errorf("%d events, %d were acknowledged", n, len(s.events))
	case !reflect.DeepEqual(events, s.events[:n]):
		return n, fmt.Errorf("its events are not those that were written")
	case n == len(s.events) && tables != s.tables:
		return n, fmt.Errorf("its tables are not what its events give")
	case n == len(s.events):
		return n, nil
	case n > 0 && !s.ends[int64(n)]:
		return n, fmt.Errorf("it ends at event %d, in the middle of a commit", n)
	}
	_, err = j.Verify(ctx)
	return n, err
}
