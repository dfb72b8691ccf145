package journal

import "database/sql"

// Rows is what a query gives. It must be closed: its statement is used again then.
type Rows struct {
	*sql.Rows
	from  *store
	stmt  *sql.Stmt // nil if it is not to be used again
	query string
}

// Close ends the query. It may be called more than once.
func (r *Rows) Close() error {
	err := r.Rows.Close()
	if r.stmt != nil {
		r.from.rest(r.query, r.stmt)
		r.stmt = nil
	}
	return err
}

// query takes a statement that rests, or compiles one: rows of the same query may be open twice.
func (s *store) query(query string, args ...any) (*Rows, error) {
	st := s.resting[query]
	delete(s.resting, query)
	if st == nil {
		var err error
		if st, err = s.conn.PrepareContext(unbound, query); err != nil {
			return nil, err
		}
	}
	rows, err := st.QueryContext(unbound, args...)
	if err != nil {
		s.rest(query, st)
		return nil, err
	}
	return &Rows{Rows: rows, from: s, stmt: st, query: query}, nil
}

// rest keeps a statement for the next query of its kind, unless there is one, or too many, or the store was closed.
func (s *store) rest(query string, st *sql.Stmt) {
	if s.resting == nil || s.resting[query] != nil || len(s.resting) >= cacheLimit {
		_ = st.Close()
		return
	}
	s.resting[query] = st
}
