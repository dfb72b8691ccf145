package journal

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"strings"
)

// mark remembers outside of the journal how far it was acknowledged: SQLite takes what is broken or cut off at the end of
// its log for a commit that never was, and says nothing. It is written after each commit and never synced, so that it costs
// no time: after a power cut it may lag behind, which harms nothing; it is never ahead of the disk. It remembers as well which
// file that was: beside another one, as when a whole folder is put back, it says nothing of what came last. A nil mark knows
// nothing.
type mark struct {
	path string
	log  *slog.Logger
	file *os.File // nil when it cannot be written; owned by the holder of the journal's turn
	of   string   // identity of the journal's file, "" if nothing tells it; likewise
}

const (
	markLayout = "%8s %020d %x" // journal, event, its hash; then the checksum of that
	ofLayout   = "%-16s"        // identity of the file, in a line of its own, with its checksum; older posds wrote none
)

// The lengths of what a mark says, without their checksums.
const (
	markLength = 8 + 1 + 20 + 1 + 64
	ofLength   = 16
	sumLength  = 1 + 8 + 1 // blank, checksum, end of line
)

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
	text := summed(fmt.Sprintf(markLayout, id, at.seq, at.hash)) + summed(fmt.Sprintf(ofLayout, m.of))
	if _, err := m.file.WriteAt([]byte(text), 0); err != nil {
		m.log.Warn("journal's mark cannot be written", "err", err)
		m.close()
	}
}

// summed is a line with its checksum.
func summed(text string) string {
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

// unsummed gives what a line says that begins with so many bytes and its checksum; false if it is not as it was written.
func unsummed(line []byte, length int) (text string, ok bool) {
	if len(line) < length+sumLength {
		return "", false
	}
	text = string(line[:length])
	return text, summed(text) == string(line[:length+sumLength])
}

// read gives what stands in the file.
func (m *mark) read() []byte {
	if m == nil || m.file == nil {
		return nil
	}
	var text [256]byte
	n, _ := m.file.ReadAt(text[:], 0) // short at its end
	return text[:n]
}

// get reads what was noted for a journal, in this file or another; false if nothing was, or it cannot be read.
func (m *mark) get(id string) (at link, ok bool) {
	text, ok := unsummed(m.read(), markLength)
	if !ok {
		return link{}, false
	}
	var of, sum string
	if _, err := fmt.Sscanf(text, "%s %d %s", &of, &at.seq, &sum); err != nil || of != id {
		return link{}, false
	}
	_, err := hex.Decode(at.hash[:], []byte(sum))
	return at, err == nil
}

// fits tells whether it was written beside the file that is open. One of an older posd does not say, and is taken to.
func (m *mark) fits() bool {
	text := m.read()
	if m == nil || m.of == "" || len(text) <= markLength+sumLength {
		return true
	}
	of, ok := unsummed(text[markLength+sumLength:], ofLength)
	return ok && (strings.TrimSpace(of) == "" || of == m.of)
}

// belongs notes which file the journal is in. It comes when that is open.
func (m *mark) belongs(path string) {
	if m == nil {
		return
	}
	m.of = ""
	if of := identityOf(path); of != "" {
		sum := sha256.Sum256([]byte(of))
		m.of = hex.EncodeToString(sum[:ofLength/2])
	}
}

// writable tells whether what is not noted never was.
func (m *mark) writable() bool { return m != nil && m.file != nil }

func (m *mark) close() {
	if m != nil && m.file != nil {
		_ = m.file.Close()
		m.file = nil
	}
}

// checkMark holds the end of the chain against what was acknowledged, in whatever file: who puts an older copy in its place
// has to say that this is meant. The caller has checked the chain.
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
