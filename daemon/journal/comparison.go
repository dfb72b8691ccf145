package journal

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
)

// rowsAtOnce is how many rows of a table are compared before others have their turn: a few milliseconds.
const rowsAtOnce = 100

// comparison goes through a table and its mirror, some rows at a time, in the order of the table's primary key. A table
// without one is compared at once, in an order that depends on nothing but the content.
type comparison struct {
	table   string
	columns []string
	key     []int // places of the primary key in columns
	after   []any // the key of the last row that was equal; nil before the first
	rows    int   // that were equal
}

// newComparison learns the table's shape from its mirror, which nobody can have damaged.
func newComparison(mirror *Tx, table string) (*comparison, error) {
	const q = `SELECT name, pk, type, (SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?) FROM pragma_table_info(?)`
	rows, err := mirror.Query(q, table, table)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	c := &comparison{table: table}
	unique := true // no row's key is NULL, and none is there twice
	for rows.Next() {
		var name, kind string
		var pk int
		var withoutRowID bool
		if err := rows.Scan(&name, &pk, &kind, &withoutRowID); err != nil {
			return nil, err
		}
		if pk > 0 { // 1 is the first column of the key
			c.key = append(c.key, make([]int, max(0, pk-len(c.key)))...)
			c.key[pk-1] = len(c.columns)
			unique = unique && (withoutRowID || pk == 1 && strings.EqualFold(kind, "INTEGER"))
		}
		c.columns = append(c.columns, name)
	}
	if !unique {
		c.key = nil
	}
	return c, rows.Err()
}

// some compares the next rows, and tells whether they were the last.
func (c *comparison) some(got, want *Tx) (done bool, err error) {
	query := c.query()
	g, err := got.Query(query, c.after...)
	if err != nil {
		return false, err
	}
	defer func() { _ = g.Close() }()
	w, err := want.Query(query, c.after...)
	if err != nil {
		return false, err
	}
	defer func() { _ = w.Close() }()
	for n := 0; ; n++ {
		a, err := nextRow(g)
		if err != nil {
			return false, err
		}
		b, err := nextRow(w)
		if err != nil {
			return false, err
		}
		if a == nil && b == nil {
			return n < rowsAtOnce || len(c.key) == 0, nil
		}
		if !reflect.DeepEqual(a, b) {
			return false, wrongTable("table %s differs from what its events give, row %d", c.table, c.rows+1)
		}
		c.pass(b)
	}
}

// pass goes on behind a row.
func (c *comparison) pass(row []any) {
	c.rows++
	c.after = nil
	for _, place := range c.key {
		c.after = append(c.after, row[place])
	}
}

// query gives the rows behind after.
func (c *comparison) query() string {
	if len(c.key) == 0 {
		return "SELECT * FROM " + c.table + " ORDER BY " + strings.Join(c.columns, ", ")
	}
	var order []string
	for _, place := range c.key {
		order = append(order, c.columns[place])
	}
	by, where := strings.Join(order, ", "), ""
	if len(c.after) > 0 {
		where = " WHERE (" + by + ") > (?" + strings.Repeat(", ?", len(c.after)-1) + ")"
	}
	return "SELECT * FROM " + c.table + where + " ORDER BY " + by + " LIMIT " + strconv.Itoa(rowsAtOnce)
}

// nextRow gives the next row's values, or nil after the last.
func nextRow(rows *Rows) ([]any, error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			values[i] = bytes.Clone(b)
		}
	}
	return values, nil
}
