package journal

import (
	"context"
	"errors"
	"slices"
)

// small tells whether the journal is checked wholly each time that it is opened: that takes 0.1 s at most. In a larger one
// that is Verify's work.
func (j *Journal) small() bool { return j.seq <= tailLength }

// checkWhole does Verify's work on a small journal, and holds it against the mark. The caller has checked the chain.
func (j *Journal) checkWhole(ctx context.Context) error {
	if err := j.checkMark(); err != nil || !j.small() {
		return err
	}
	m, err := j.newMirror()
	if err != nil {
		return err
	}
	defer m.close()
	err = j.eachEvent(ctx, 0, func(e Event) error {
		if err := m.at.next(&e); err != nil {
			return err
		}
		return fold(m.tx, j.opt.Projections, e)
	})
	if err != nil {
		return err
	}
	return unfit(j.compare(&Tx{store: j.store, readOnly: true}, m))
}

// object is a table, index or trigger of the file.
type object struct{ kind, name, table, sql string }

// compareShapes looks for tables, indexes and triggers that are missing or other than they were made, and for triggers that
// nobody made. Tables that are no derivation may be older than their schema, and others may be left from older ones.
func (j *Journal) compareShapes(got *Tx, m *mirror) error {
	have, err := objects(got)
	if err != nil {
		return err
	}
	need, err := objects(m.tx)
	if err != nil {
		return err
	}
	for _, o := range need {
		of := j.derivedBy(o.table)
		own := slices.Contains([]string{"meta", "event", "head", "projection"}, o.table)
		h, ok := have[o.name]
		switch {
		case slices.Contains(m.report.Stale, of), ok && h.kind == o.kind && (h == o || of == "" && !own):
		case of != "":
			return wrongTable("%s %s is missing or changed", o.kind, o.name)
		default:
			return damaged(0, "%s %s is missing or changed", o.kind, o.name)
		}
	}
	for _, h := range have {
		if _, ok := need[h.name]; !ok && h.kind == "trigger" {
			return damaged(0, "trigger %s is not ours", h.name)
		}
	}
	return nil
}

// derivedBy names the projection that a table belongs to; "" if it is none's.
func (j *Journal) derivedBy(table string) string {
	for _, p := range j.opt.Projections {
		if slices.Contains(p.Tables(), table) {
			return p.Name()
		}
	}
	return ""
}

func objects(tx *Tx) (all map[string]object, err error) {
	rows, err := tx.Query("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all = map[string]object{}
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.sql); err != nil {
			return nil, err
		}
		all[o.name] = o
	}
	return all, rows.Err()
}
