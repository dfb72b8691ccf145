package payment

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"posd/daemon/journal"
)

var (
	damageSeed = flag.Uint64("damage.seed", 1, "draws which bits of a byte are flipped")
	damageLog  = flag.Int("damage.log", 1, "of the journal's log, every so manieth byte is flipped or cut at")
)

// wound is one way to damage a specimen.
type wound struct {
	file string // "" for the journal, "-wal" for its log
	at   int    // the byte
	bits byte   // that are flipped there; 0: the file is cut off there
}

func (w wound) String() string {
	if w.bits == 0 {
		return fmt.Sprintf("journal.db%s cut to %d bytes", w.file, w.at)
	}
	return fmt.Sprintf("journal.db%s byte %d ^ %#02x", w.file, w.at, w.bits)
}

// headed is how much of the journal is always examined: SQLite has its header there.
const headed = 100

// wounds are those of one file that this run inflicts: at every so manieth byte.
func (s specimen) wounds(file string, cut bool, every int) (all []wound) {
	for at := range s.files[file] {
		if at%every != 0 && (file != "" || at >= headed) {
			continue
		}
		w := wound{file: file, at: at}
		if !cut {
			w.bits = flippedBits(at)
		}
		all = append(all, w)
	}
	return all
}

// flippedBits draws one bit, or several.
func flippedBits(at int) byte {
	h := fnv.New64a()
	fmt.Fprint(h, at)
	r := rand.New(rand.NewPCG(*damageSeed, h.Sum64()))
	if r.IntN(2) == 0 {
		return 1 << r.IntN(8)
	}
	return byte(1 + r.IntN(255))
}

// inflict writes the specimen with one wound.
func (s specimen) inflict(path string, w wound) error {
	for name, text := range s.files {
		if name == w.file {
			text = bytes.Clone(text)
			if w.bits == 0 {
				text = text[:w.at]
			} else {
				text[w.at] ^= w.bits
			}
		}
		if err := os.WriteFile(path+name, text, 0o600); err != nil {
			return err
		}
	}
	for _, name := range []string{"-wal", ".owner", ".mark"} {
		if _, kept := s.files[name]; !kept {
			_ = os.Remove(path + name)
		}
	}
	return nil
}

// verdict is what became of a wounded journal: it opens and is what was written, or it is blocked.
type verdict int

const (
	unharmed verdict = iota
	early            // it has lost whole commits at its end, and nothing else
	blockedAll
	wrong // a panic, an answer that is not what was written, or a start that fails
)

// examine opens a wounded journal as posd does and says what is wrong with what it finds.
func (s specimen) examine(ctx context.Context, path string, w wound, mayEndEarly bool) (v verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := s.inflict(path, w); err != nil {
		return 0, err
	}
	j, err := journal.Open(ctx, damageOptions(path))
	if err != nil {
		return 0, fmt.Errorf("posd does not start: %w", err)
	}
	defer func() { _ = j.Close() }()
	if j.Blocked() == nil {
		return s.standing(ctx, j, mayEndEarly)
	}
	if err := refuses(ctx, j); err != nil {
		return 0, err
	}
	if w.at%10 == 0 && j.Reopen(ctx) == nil { // as the desk tries every second
		v, err := s.standing(ctx, j, mayEndEarly)
		if err != nil {
			err = fmt.Errorf("blocked at first, then reopened: %w", err)
		}
		return v, err
	}
	return blockedAll, refuses(ctx, j)
}

func (s specimen) standing(ctx context.Context, j *journal.Journal, mayEndEarly bool) (verdict, error) {
	n, err := s.holds(ctx, j, mayEndEarly)
	if err == nil && n < len(s.events) {
		return early, nil
	}
	return unharmed, err
}

// refuses holds a blocked journal to its promises: code and remedy, nothing is written, and reading ends well or with an
// error.
func refuses(ctx context.Context, j *journal.Journal) error {
	var blocked *journal.BlockedError
	if !errors.As(j.Blocked(), &blocked) || blocked.Code != journal.CodeDamaged || blocked.Detail == "" || blocked.Remedy == "" {
		return fmt.Errorf("blocked without code, detail and remedy: %w", j.Blocked())
	}
	err := j.Update(ctx, func(tx *journal.Tx) error { return tx.Append(journal.Entry{Subject: "x", Kind: "x"}) })
	if !errors.As(err, &blocked) {
		return fmt.Errorf("a blocked journal writes: %w", err)
	}
	_, _, _ = contents(ctx, j)
	return nil
}

// toll counts what became of wounds.
type toll [wrong + 1]atomic.Int64

func (l *toll) String() string {
	return fmt.Sprintf("%d unharmed, %d lost their last commits, %d blocked", l[unharmed].Load(), l[early].Load(), l[blockedAll].Load())
}

// examineAll inflicts every wound on a copy of its own, on all processors.
func (s specimen) examineAll(t *testing.T, list []wound, mayEndEarly bool) *toll {
	t.Helper()
	var l toll
	work := make(chan wound)
	var workers sync.WaitGroup
	for n := range runtime.GOMAXPROCS(0) {
		path := filepath.Join(memoryDir(t), fmt.Sprint("journal-", n))
		workers.Go(func() {
			for w := range work {
				v, err := s.examine(t.Context(), path, w, mayEndEarly)
				if err != nil {
					t.Errorf("%s: %v", w, err)
					v = wrong
				}
				l[v].Add(1)
			}
		})
	}
	for _, w := range list {
		work <- w
	}
	close(work)
	workers.Wait()
	return &l
}

// memoryDir is a folder whose syncs cost nothing, where there is one.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "posd-damage-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestADamagedJournalNeverGivesAWrongAnswer(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // every journal is opened for a moment only
	closed, live := specimens(t)
	blind := live
	blind.files = map[string][]byte{"": live.files[""], "-wal": live.files["-wal"], ".owner": live.files[".owner"]}
	var flips, cuts int
	var faults int64
	for _, tc := range []struct {
		name, file  string
		of          specimen
		cut         bool
		mayEndEarly bool
		every       int
	}{
		{"closed, flipped", "", closed, false, false, 1},
		{"closed, cut off", "", closed, true, false, 1},
		{"after a kill, flipped", "", live, false, false, 32},
		{"log after a kill, flipped", "-wal", live, false, false, *damageLog},
		{"log after a kill, cut off", "-wal", live, true, false, *damageLog},
		{"mark, flipped", ".mark", live, false, false, 1},
		{"mark, cut off", ".mark", live, true, false, 1},
		{"owner, flipped", ".owner", live, false, false, 1},
		{"log after a power cut, flipped", "-wal", blind, false, true, 32},
		{"log after a power cut, cut off", "-wal", blind, true, true, 32},
	} {
		list := tc.of.wounds(tc.file, tc.cut, tc.every*damageEvery)
		if len(list) == 0 {
			t.Fatalf("%s: there is no such file", tc.name)
		}
		l := tc.of.examineAll(t, list, tc.mayEndEarly)
		faults += l[wrong].Load()
		t.Logf("%s: %d of %d bytes: %s", tc.name, len(list), len(tc.of.files[tc.file]), l)
		if tc.cut {
			cuts += len(list)
		} else {
			flips += len(list)
		}
	}
	t.Logf("proof | journal byte flips and truncations: wrong answers, panics, starts that fail | %d flips, %d truncations | %d", flips, cuts, faults)
}
