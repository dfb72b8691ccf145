package journal

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
)

// mark remembers outside of the journal how far it was acknowledged: SQLite takes what is broken or cut off at the end of
// its log for a commit that never was, and says nothing. It is written after each commit and never synced, so that it costs
// no time: after a power cut it may lag behind, which harms nothing; it is never ahead of the disk. A nil mark knows
// nothing.
type mark struct {
	path string
	log  *slog.Logger
	file *os.File // nil when it cannot be written; owned by the holder of the journal's turn
}

const markLayout = "%8s %020d %x" // journal, event, its hash; then the checksum of that

// openMark opens the file, or goes on without.
func openMark(opt Options) *mark {
	if opt.Memory || opt.Path == "" {
		return nil
	}
	m := &mark{path: opt.Path + ".mark", log: opt.Log}
	flag := os.O_CREATE | os.O_RDWR
	if opt.ReadOnly {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(m.path, flag, 0o600)
	if opt.ReadOnly && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		m.log.Warn("journal's mark cannot be opened", "err", err)
		return m
	}
	m.file = f
	return m
}

// set notes that events up to at are durable.
func (m *mark) set(id string, at link) {
	if m == nil || m.file == nil {
		return
	}
	text := fmt.Sprintf(markLayout, id, at.seq, at.hash)
	text = fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
	if _, err := m.file.WriteAt([]byte(text), 0); err != nil {
		m.log.Warn("journal's mark cannot be written", "err", err)
		m.close()
	}
}

// get reads what was noted for a journal; false if nothing was, or it cannot be read.
func (m *mark) get(id string) (at link, ok bool) {
	if m == nil || m.file == nil {
		return link{}, false
	}
	var text [128]byte
	n, _ := m.file.ReadAt(text[:], 0) // short at its end
	const body = 8 + 1 + 20 + 1 + 64
	if n < body+1+8 || fmt.Sprintf("%08x", crc32.ChecksumIEEE(text[:body])) != string(text[body+1:body+9]) {
		return link{}, false
	}
	var of, sum string
	if _, err := fmt.Sscanf(string(text[:body]), "%s %d %s", &of, &at.seq, &sum); err != nil || of != id {
		return link{}, false
	}
	_, err := hex.Decode(at.hash[:], []byte(sum))
	return at, err == nil
}

// writable tells whether what is not noted never was.
func (m *mark) writable() bool { return m != nil && m.file != nil }

func (m *mark) close() {
	if m != nil && m.file != nil {
		_ = m.file.Close()
		m.file = nil
	}
}

// checkMark holds the end of the chain against what was acknowledged. The caller has checked the chain.
func (j *Journal) checkMark() error {
	at, ok := j.mark.get(j.ID())
	if !ok || at.seq == 0 {
		return nil
	}
	var hash []byte
	err := j.store.queryRow("SELECT hash FROM event WHERE seq = ?", at.seq).Scan(&hash)
	var dam *DamagedError
	switch {
	case errors.Is(err, sql.ErrNoRows):
		dam = damaged(j.seq+1, "it is missing: events up to %d were acknowledged", at.seq)
	case err != nil:
		return err
	case string(hash) != string(at.hash[:]):
		dam = damaged(at.seq, "it is not the one that was acknowledged")
	default:
		return nil
	}
	dam.Remedy = fmt.Sprintf("%s; if this is that copy, and all is settled, remove %s", dam.Remedy, j.mark.path)
	return dam
}
