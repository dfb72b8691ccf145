package emv

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// step is where a session stands: which answer it waits for.
type step int

const (
	atDirectory  step = iota // SELECT 1PAY.SYS.DDF01
	atEntry                  // READ RECORD of the directory
	atSelect                 // SELECT an application
	atOptions                // GET PROCESSING OPTIONS
	atRecord                 // READ RECORD of the application
	atCryptogram             // GENERATE AC
	atEnd
)

// Session is one payment with a card. It is a value: Take gives the next one. The zero value is none; see Begin.
type Session struct {
	step       step
	terminal   Terminal
	have       objects // terminal's and card's
	candidates []candidate
	sfi        byte   // of the directory
	record     byte   // that is read
	files      []file // that are still to be read
}

// candidate is an application that card and terminal have.
type candidate struct {
	name     []byte
	priority byte // 1 is the highest; 0 is none
}

// file is a part of the AFL (book 3, 10.2).
type file struct{ sfi, first, last byte }

// mostCandidates limits a directory.
const mostCandidates = 30

// Begin starts a payment.
func Begin(t Terminal, p Payment) (Session, error) {
	numbers := func(s string) bool { return len(s) == 3 && trimDigits(s) == "" }
	switch {
	case p.Amount <= 0 || p.Amount > 999_999_999_999:
		return Session{}, fmt.Errorf("emv: an amount of %d, want 1 to 999999999999 minor units", p.Amount)
	case !numbers(p.Currency) || !numbers(t.Country):
		return Session{}, fmt.Errorf("emv: currency %q and country %q, want ISO numbers of three digits", p.Currency, t.Country)
	case len(t.AIDs) == 0 || len(t.Serial) != 8:
		return Session{}, fmt.Errorf("emv: a terminal with %d applications and a serial number of %d characters, want one at least, and 8", len(t.AIDs), len(t.Serial))
	}
	return Session{terminal: t, have: terminalData(t, p)}, nil
}

// tvrNotAuthenticated says that the card's data were not authenticated offline; tvrExpired that the application has expired (TVR,
// bytes 1 and 2, book 3, C5).
const (
	tvrNotAuthenticated = 0x80
	tvrExpired          = 0x40
)

// terminalData are the objects that a terminal brings.
func terminalData(t Terminal, p Payment) objects {
	return objects{
		tagAmount: digits(fmt.Sprint(p.Amount), 6), tagOther: make([]byte, 6), tagCurrency: digits(p.Currency, 2), tagCountry: digits(t.Country, 2),
		tagDate: digits(p.At.Format("060102"), 3), tagTime: digits(p.At.Format("150405"), 3), tagType: {0x00},
		tagRandom: slices.Clone(p.Unpredictable[:]), tagCapabilities: slices.Clone(t.Capabilities[:]), tagExtended: slices.Clone(t.Extended[:]),
		tagTerminalType: {t.Type}, tagSerial: []byte(t.Serial), tagSequence: digits(fmt.Sprint(p.Sequence), 4),
		tagTVR: {tvrNotAuthenticated, 0, 0, 0, 0}, tagTSI: {0, 0},
		tagCVM: {0x3F, 0x00, 0x00}, // no cardholder verification was done (book 4, 6.3.4.5)
	}
}

// Done tells whether the card was asked all.
func (s Session) Done() bool { return s.step == atEnd }

// Wipe overwrites what the card told.
func (s Session) Wipe() { s.have.wipe() }

// Format keeps every fmt verb from the content.
func (s Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(card session)")) }

// Command is what the card is to be sent; nil when done. The caller wipes it.
func (s Session) Command() []byte {
	switch s.step {
	case atDirectory:
		return selectName([]byte(directory))
	case atEntry:
		return readRecord(s.sfi, s.record)
	case atSelect:
		return selectName(s.candidates[0].name)
	case atOptions:
		data, _ := fill(s.have[tagPDOL], s.have) // was filled once when it was taken
		return processingOptions(data)
	case atRecord:
		return readRecord(s.files[0].sfi, s.record)
	case atCryptogram:
		data, _ := fill(s.have[tagCDOL1], s.have) // likewise
		return generateAC(data)
	default:
		return nil
	}
}

// Take takes the answer to Command, and keeps copies of what it needs of it.
func (s Session) Take(answer []byte) (Session, error) {
	data, status, err := split(answer)
	if err != nil {
		return s, err
	}
	switch s.step {
	case atDirectory:
		return s.directory(data, status)
	case atEntry:
		return s.entry(data, status)
	case atSelect:
		return s.selected(data, status)
	default: // what follows is refused, or goes on
	}
	if status != statusOK {
		return s, fmt.Errorf("%w: it answers %04X to %s", ErrRefused, status, s.step)
	}
	switch s.step {
	case atOptions:
		return s.options(data)
	case atRecord:
		return s.read(data)
	case atCryptogram:
		return s.cryptogram(data)
	default:
		return s, fmt.Errorf("%w: an answer that nobody asked for", ErrCard)
	}
}

// String names the command that a step is about.
func (s step) String() string {
	return [...]string{
		"SELECT of the directory", "READ RECORD of the directory", "SELECT", "GET PROCESSING OPTIONS", "READ RECORD", "GENERATE AC", "nothing",
	}[s]
}

// directory takes the directory, or goes without one: many cards have none (book 1, 12.3.2).
func (s Session) directory(data []byte, status int) (Session, error) {
	if status != statusOK {
		return s.try(s.byList())
	}
	fci, err := only(data, tagFCI)
	if err != nil {
		return s, err
	}
	inside, err := parse(find(fci, tagProprietary))
	if err != nil {
		return s, err
	}
	sfi := find(inside, tagSFI)
	if len(sfi) != 1 || sfi[0] < 1 || sfi[0] > 10 {
		return s, fmt.Errorf("%w: the directory's file", ErrCard)
	}
	s.step, s.sfi, s.record = atEntry, sfi[0], 1
	return s, nil
}

// byList are the terminal's own applications, for a card without a directory.
func (s Session) byList() (list []candidate) {
	for _, aid := range s.terminal.AIDs {
		list = append(list, candidate{name: aid})
	}
	return list
}

// entry takes a record of the directory; the first that is not there ends it.
func (s Session) entry(data []byte, status int) (Session, error) {
	switch {
	case status == statusNoRecord:
		return s.try(s.candidates)
	case status != statusOK:
		return s, fmt.Errorf("%w: it answers %04X to %s", ErrRefused, status, s.step)
	}
	record, err := only(data, tagRecord)
	if err != nil {
		return s, err
	}
	found := slices.Clone(s.candidates)
	for _, o := range record {
		if o.tag != tagEntry {
			continue
		}
		e, err := parse(o.value)
		if err != nil {
			return s, err
		}
		c := candidate{name: bytes.Clone(find(e, tagAID))}
		if p := find(e, tagPriority); len(p) == 1 {
			c.priority = p[0] & 0x0F
		}
		if s.terminal.takes(c.name) {
			found = append(found, c)
		}
	}
	if s.record++; s.record > mostCandidates || len(found) > mostCandidates {
		return s, fmt.Errorf("%w: a directory without end", ErrCard)
	}
	s.candidates = found
	return s, nil
}

// takes tells whether an application of a card is one of the terminal's (book 1, 12.3.1).
func (t Terminal) takes(name []byte) bool {
	return len(name) >= 5 && len(name) <= 16 && slices.ContainsFunc(t.AIDs, func(aid []byte) bool { return bytes.HasPrefix(name, aid) })
}

// try goes on with the best of the candidates: by the card's priority, then as they are listed.
func (s Session) try(list []candidate) (Session, error) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(last(a.priority), last(b.priority)) })
	if len(list) == 0 {
		return s, ErrNoApplication
	}
	s.step, s.candidates = atSelect, list
	return s, nil
}

// last puts no priority behind all others.
func last(priority byte) int {
	if priority == 0 {
		return 16
	}
	return int(priority)
}

// selected takes an application, or tries the next one.
func (s Session) selected(data []byte, status int) (Session, error) {
	if status != statusOK {
		return s.try(s.candidates[1:])
	}
	fci, err := only(data, tagFCI)
	if err != nil {
		return s, err
	}
	inside, err := parse(find(fci, tagProprietary))
	if err != nil {
		return s, err
	}
	name := find(fci, tagDFName)
	if !s.terminal.takes(name) {
		return s, fmt.Errorf("%w: it selects an application that was not asked for", ErrCard)
	}
	keep := []object{{tagDFName, name}}
	for _, o := range inside {
		if o.tag == tagPDOL || o.tag == tagLabel {
			keep = append(keep, o)
		}
	}
	if s.have, err = s.have.with(keep); err != nil {
		return s, err
	}
	s.step, s.candidates = atOptions, nil
	_, err = fill(s.have[tagPDOL], s.have)
	return s, err
}
