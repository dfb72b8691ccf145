package walletsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/capitalone/fpe/ff1"
)

// The offline scheme: 18 digits, of which 16 are FF1 over handle and tag. FF1 is a permutation, so two enrolments can
// never make the same code; the tag proves the seed; the group key only hides the handle.
const (
	offlinePrefix = "91"
	codeDigits    = 18
	offlineStep   = 30 * time.Second
	counters      = 4 // codes that one phone can make within a step
	wrongTags     = 5 // of one handle, within lockTime, suspend it
	lockTime      = 10 * time.Minute
)

// enrolment is one login of one phone: its seed, and what the server remembers of its codes.
type enrolment struct {
	account   *account
	handle    string
	seed      []byte
	used      map[[2]int64]string // step and counter to the order that used the code
	wrong     []time.Time
	suspended bool
}

// Login is a new login, or another customer's on the same phone: the old seed is destroyed on both sides.
func (p *Phone) Login() error {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return p.login()
}

func (p *Phone) login() error {
	if p.seed != nil {
		clear(p.seed.seed)
		delete(p.g.seeds, p.seed.handle)
	}
	e := &enrolment{account: p.account, seed: make([]byte, 32), used: map[[2]int64]string{}}
	if _, err := io.ReadFull(p.g.o.Rand, e.seed); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	for range 10 {
		handle, err := p.g.digits(8)
		if err != nil {
			return err
		}
		if p.g.seeds[handle] == nil {
			e.handle = handle
			p.seed, p.g.seeds[handle] = e, e
			return nil
		}
	}
	return errors.New("log in: no free handle in 10 draws")
}

// Offline makes a code without the server: seed, time and a counter. Four differ within 30 seconds, then they repeat.
func (p *Phone) Offline() (string, error) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	at := p.g.now()
	if step := stepOf(at); step != p.step {
		p.step, p.counter = step, 0
	} else {
		p.counter = (p.counter + 1) % counters
	}
	return OfflineCode(p.g.o.GroupKey, p.seed.seed, p.seed.handle, at, p.counter)
}

// OfflineCode is the code that a phone with this seed shows at a time. handle is eight digits, counter 0 to 3.
func OfflineCode(groupKey, seed []byte, handle string, at time.Time, counter byte) (string, error) {
	m, err := NewOfflineMaker(groupKey)
	if err != nil {
		return "", err
	}
	return m.Code(seed, handle, at, counter)
}

// OfflineMaker makes many codes under one group key. It is not safe for concurrent use.
type OfflineMaker struct{ cipher ff1.Cipher }

// NewOfflineMaker takes a group key of 32 bytes.
func NewOfflineMaker(groupKey []byte) (*OfflineMaker, error) {
	c, err := ff1.NewCipher(10, len(offlinePrefix), groupKey, []byte(offlinePrefix))
	if err != nil {
		return nil, fmt.Errorf("offline code: %w", err)
	}
	return &OfflineMaker{c}, nil
}

// Code is OfflineCode.
func (m *OfflineMaker) Code(seed []byte, handle string, at time.Time, counter byte) (string, error) {
	body, err := m.cipher.Encrypt(handle + tag(seed, handle, stepOf(at), counter))
	if err != nil {
		return "", fmt.Errorf("offline code: %w", err)
	}
	return offlinePrefix + body, nil
}

func stepOf(at time.Time) int64 { return at.Unix() / int64(offlineStep/time.Second) }

// tag is eight digits that only who has the seed can make.
func tag(seed []byte, handle string, step int64, counter byte) string {
	mac := hmac.New(sha256.New, seed)
	input := append([]byte("walletsim-offline-v1\x00"+offlinePrefix), handle...)
	input = binary.BigEndian.AppendUint64(input, uint64(step))
	_, _ = mac.Write(append(input, counter))
	return fmt.Sprintf("%08d", binary.BigEndian.Uint64(mac.Sum(nil))%1e8)
}

// redeemOffline finds the enrolment by decrypting and then checks at most twelve tags; mu is held.
func (g *Gateway) redeemOffline(code, order string) *account {
	c, err := ff1.NewCipher(10, len(offlinePrefix), g.o.GroupKey, []byte(offlinePrefix))
	if err != nil {
		return nil
	}
	plain, err := c.Decrypt(code[2:])
	if err != nil {
		return nil
	}
	e := g.seeds[plain[:8]]
	if e == nil || e.locked(g.now()) {
		return nil
	}
	now := stepOf(g.now())
	for step := now - 1; step <= now+1; step++ {
		for counter := range byte(counters) {
			if same(plain[8:], tag(e.seed, e.handle, step, counter)) {
				return e.use([2]int64{step, int64(counter)}, order, now)
			}
		}
	}
	e.wrong = append(e.wrong, g.now())
	return nil
}

// use takes a code once; what is too old to be accepted again is forgotten.
func (e *enrolment) use(key [2]int64, order string, now int64) *account {
	for k := range e.used {
		if k[0] < now-3 {
			delete(e.used, k)
		}
	}
	if by, used := e.used[key]; used && by != order {
		return nil
	}
	e.used[key] = order
	return e.account
}

// locked suspends a handle for good after too many wrong tags: only a new login helps, and online codes still work.
func (e *enrolment) locked(now time.Time) bool {
	recent := 0
	for _, at := range e.wrong {
		if now.Sub(at) < lockTime {
			recent++
		}
	}
	e.suspended = e.suspended || recent >= wrongTags
	return e.suspended
}
