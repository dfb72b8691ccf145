package bill

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"posd/daemon/payment"
)

// Cells are a row's values by the names of their columns.
type Cells struct {
	at     map[string]int
	values []string
}

// Text gives a value; "" where there is no such column.
func (c Cells) Text(column string) string {
	i, ok := c.at[column]
	if !ok {
		return ""
	}
	return c.values[i]
}

// Number gives one that names something: plain characters, not too many. It may be empty only where that is said.
func (c Cells) Number(column string, mayBeEmpty bool) (string, error) {
	s := c.Text(column)
	switch {
	case s == "" && !mayBeEmpty:
		return "", &ColumnError{column, "is empty"}
	case len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }):
		return "", &ColumnError{column, "is no number: want at most 64 plain characters"}
	}
	return s, nil
}

// yuan gives an amount with at most two decimals in minor units, without its sign; 0 where the column is not there or empty.
func (c Cells) yuan(column string) (payment.Cents, error) {
	s := strings.TrimPrefix(c.Text(column), "-")
	if s == "" {
		return 0, nil
	}
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > 2 || len(whole) == 0 || len(whole) > 10 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, &ColumnError{column, "is no amount: want yuan with at most two decimals"}
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if err != nil {
		return 0, &ColumnError{column, "is no amount: want yuan with at most two decimals"}
	}
	return payment.Cents(n), nil
}

// FirstYuan gives the first of several columns that is not 0. All being 0 is refused, with the first one's name.
func (c Cells) FirstYuan(columns ...string) (payment.Cents, error) {
	for _, name := range columns {
		n, err := c.yuan(name)
		if err != nil || n > 0 {
			return n, err
		}
	}
	return 0, &ColumnError{columns[0], "is 0"}
}

// Moment gives a time in Beijing.
func (c Cells) Moment(column string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateTime, c.Text(column), Beijing)
	if err != nil {
		return t, &ColumnError{column, "is no time: want 2006-01-02 15:04:05"}
	}
	return t, nil
}

// UnknownWord refuses a word that is not in the list. It is quoted only where it looks like a word: a file may hold anything.
func UnknownWord(column, word string) error {
	if n := utf8.RuneCountInString(word); n == 0 || n > 20 || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' }) {
		return &ColumnError{column, "is not known"}
	}
	return &ColumnError{column, fmt.Sprintf("%q is not known: ask what it means before any money moves", word)}
}

// CommaCells splits a line of comma-separated values, which may be quoted. Blanks and tabs around them do not count: Alipay
// adds a tab to numbers, so that spreadsheets leave them alone.
func CommaCells(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes = true
	r.FieldsPerRecord = -1
	values, err := r.Read()
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		values[i] = strings.TrimSpace(v)
	}
	return values, nil
}
