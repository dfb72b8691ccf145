package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var projectionName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// checkProjections refuses names that would make two projections share a table.
func checkProjections(list []Projection) error {
	seen := map[string]bool{}
	for _, p := range list {
		if !projectionName.MatchString(p.Name()) || seen[p.Name()] {
			return fmt.Errorf("projection %q: its name is not a word, or used twice", p.Name())
		}
		seen[p.Name()] = true
		for _, t := range p.Tables() {
			if !projectionName.MatchString(t) || (t != p.Name() && !strings.HasPrefix(t, p.Name()+"_")) {
				return fmt.Errorf("projection %q: table %q must be named after it", p.Name(), t)
			}
		}
	}
	return nil
}

// digest tells one shape of a projection from another.
func digest(p Projection) string {
	sum := sha256.Sum256([]byte(p.Schema() + "\x00" + strings.Join(p.Tables(), "\x00")))
	return hex.EncodeToString(sum[:])
}

// checkChain checks the newest tail events (all if tail is wholeChain) against each other and against the head, and that they
// are known.
func (j *Journal) checkChain(ctx context.Context, tail int64) error {
	if err := j.stillNewer(); err != nil {
		return err
	}
	var last sql.NullInt64
	if err := j.store.queryRow("SELECT max(seq) FROM event").Scan(&last); err != nil {
		return err
	}
	at := link{hash: genesis(j.ID())}
	if tail != wholeChain && last.Int64 > tail {
		at.seq = last.Int64 - tail
		var hash []byte
		err := j.store.queryRow("SELECT hash FROM event WHERE seq = ?", at.seq).Scan(&hash)
		if errors.Is(err, sql.ErrNoRows) || (err == nil && len(hash) != 32) {
			return damaged(at.seq, "it is missing or unreadable")
		}
		if err != nil {
			return err
		}
		copy(at.hash[:], hash)
	}
	err := j.eachEvent(ctx, at.seq, func(e Event) error {
		if err := at.next(&e); err != nil {
			return err
		}
		return known(j.opt.Projections, &e)
	})
	if err != nil {
		return err
	}
	return j.checkHead(at)
}

// checkHead compares the end of the chain with the head that every transaction moves along with it.
func (j *Journal) checkHead(at link) error {
	head, err := readHead(j.store)
	if err != nil {
		return err
	}
	if err := at.mustBe(head); err != nil {
		return err
	}
	j.seq, j.hash = at.seq, at.hash
	return nil
}

// readHead reads the head as it stands in the file.
func readHead(s *store) (head link, err error) {
	var hash []byte
	err = s.queryRow("SELECT seq, hash FROM head").Scan(&head.seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return head, damaged(0, "its head is missing")
	}
	if err != nil && primaryCode(err) == 0 {
		return head, damaged(0, "its head cannot be read: %v", err)
	}
	copy(head.hash[:], hash)
	return head, err
}

// mustBe compares the end of a chain with a head.
func (l link) mustBe(head link) error {
	if head.seq != l.seq {
		return damaged(min(head.seq, l.seq)+1, "the log ends at event %d, its head says %d", l.seq, head.seq)
	}
	if head.hash != l.hash {
		return damaged(head.seq, "its hash is not the one in the head")
	}
	return nil
}

// eachEvent hands every event after seq to fn, a page at a time, so that fn may write.
func (j *Journal) eachEvent(ctx context.Context, after int64, fn func(Event) error) error {
	const q = "SELECT " + eventColumns + " FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := j.store.query(q, after, pageLength)
		if err != nil {
			return err
		}
		page, bad := readEvents(rows, after)
		for _, e := range page {
			if err := fn(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if bad != nil {
			return bad
		}
		if len(page) < pageLength {
			return nil
		}
	}
}

// bringUpToDate derives anew every projection that is new or has changed, and drops those that nobody registers any
// more, since they would fall behind.
func (j *Journal) bringUpToDate(ctx context.Context) error {
	known, err := j.knownProjections()
	if err != nil {
		return err
	}
	if err := j.dropUnregistered(known); err != nil {
		return err
	}
	var stale []Projection
	for _, p := range j.opt.Projections {
		old, ok := known[p.Name()]
		if ok && old.digest == digest(p) && !j.wrong.Load() {
			continue
		}
		if err := j.renew(p, old.tables); err != nil {
			return fmt.Errorf("projection %s: %w", p.Name(), err)
		}
		stale = append(stale, p)
	}
	if len(stale) == 0 || j.seq == 0 {
		return nil
	}
	tx := &Tx{store: j.store, folding: true}
	return j.eachEvent(ctx, 0, func(e Event) error { return fold(tx, stale, e) })
}

// dropUnregistered comes before anything is derived: a table may have gone over to another projection.
func (j *Journal) dropUnregistered(known map[string]knownProjection) error {
	for name, old := range known {
		if slices.ContainsFunc(j.opt.Projections, func(p Projection) bool { return p.Name() == name }) {
			continue
		}
		if err := j.drop(old.tables); err != nil {
			return err
		}
		if err := j.store.exec("DELETE FROM projection WHERE name = ?", name); err != nil {
			return err
		}
	}
	return nil
}

type knownProjection struct {
	digest string
	tables []string
}

func (j *Journal) knownProjections() (map[string]knownProjection, error) {
	rows, err := j.store.query("SELECT name, digest, tables FROM projection")
	if err != nil {
		return nil, unfit(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]knownProjection{}
	for rows.Next() {
		var name, tables string
		var k knownProjection
		if err := rows.Scan(&name, &k.digest, &tables); err != nil {
			return nil, damaged(0, "its list of projections cannot be read: %v", err)
		}
		if err := json.Unmarshal([]byte(tables), &k.tables); err != nil {
			return nil, damaged(0, "its list of tables cannot be read")
		}
		out[name] = k
	}
	return out, rows.Err()
}

// renew makes the empty tables of p in place of the old ones.
func (j *Journal) renew(p Projection, old []string) error {
	if err := j.drop(append(old, p.Tables()...)); err != nil {
		return err
	}
	if err := j.store.script(p.Schema()); err != nil {
		return err
	}
	tables, err := json.Marshal(p.Tables())
	if err != nil {
		return err
	}
	j.opt.Log.Info("deriving a projection anew", "projection", p.Name(), "events", j.seq)
	return j.store.exec("REPLACE INTO projection VALUES (?, ?, ?)", p.Name(), digest(p), string(tables))
}

func (j *Journal) drop(tables []string) error {
	for _, t := range tables {
		if !projectionName.MatchString(t) {
			return damaged(0, "its list of tables cannot be read")
		}
		if err := j.store.script("DROP TABLE IF EXISTS " + t); err != nil {
			return err
		}
	}
	return nil
}

// fold takes one event into some projections.
func fold(tx *Tx, list []Projection, e Event) error {
	if err := known(list, &e); err != nil {
		return err
	}
	for _, p := range list {
		if err := p.Fold(tx, e); err != nil {
			return fmt.Errorf("fold event %d (%s) into %s: %w", e.Seq, e.Kind, p.Name(), err)
		}
		if tx.err != nil {
			return tx.err
		}
	}
	return nil
}
