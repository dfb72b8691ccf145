//go:build proof && linux

package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"posd/hwtest/hostsim"
	"posd/hwtest/walletsim"
)

// tape is a shop whose posd is recorded while it runs: from an empty folder through a day to a clean stop.
type tape struct {
	s      *shop
	record *record
	starts map[string]int // by part: where it begins in the record
	order  []string
	runs   int

	sales     int
	following sync.WaitGroup
}

// The busy part: a checkpoint by count, and a disk that is full in the middle.
const (
	busyCommits = 320 // and more until the disk was full,
	busyMost    = 10 * busyCommits
	fullAt      = 200 // which the so many-th write of each of posd's threads finds
)

// ballastMiB is held back for a full disk: as little as can be, since every state has it.
const ballastMiB = 1

// journalFolder is what of the shop's folder is recorded.
const journalFolder = "journal"

// parts are the lives of posd on a tape, in their order.
var parts = []struct {
	name string
	play func(*tape, context.Context) error
}{
	{"first start", func(t *tape, _ context.Context) error { return t.s.stop() }},
	{"a day, until it is killed", (*tape).day},
	{"recovery, and the batch closed", (*tape).evening},
	{"many commits, a full disk", (*tape).busy},
}

// recordShop lets a posd live so many lives and gives all that it did to its journal's folder and told others. binary is
// empty for the one that ships.
func recordShop(ctx context.Context, dir, binary string, lives int) (t *tape, c *claims, err error) {
	s, err := newShop(ctx, dir, plan{posd: binary, ballast: ballastMiB, timeOut: "10s", deadline: "2s"})
	defer s.close()
	if err != nil {
		return nil, nil, err
	}
	if err := os.Remove(s.path("journal")); err != nil { // posd makes it
		return nil, nil, err
	}
	t = &tape{s: s, record: newRecord(dir, journalFolder, image{folders: []string{"."}}), starts: map[string]int{}}
	for _, part := range parts[:lives] {
		if err := t.run(ctx, part.name, part.play); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	c, err = claimsOf(t.record, func(conn string) listener { return listenerOf(s, conn) })
	return t, c, err
}

// listenerOf tells who is at the other end: TCP:[ours->theirs].
func listenerOf(s *shop, conn string) listener {
	if strings.HasPrefix(conn, "/dev/pts/") {
		return thePaper // nothing of what the other devices are told looks like a slip
	}
	ours, theirs, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(conn, "TCP:["), "]"), "->")
	switch {
	case ours == s.listen:
		return theTill
	case theirs == s.host.at():
		return theHost
	case theirs == s.gateway.at():
		return theGateway
	default:
		return nobody
	}
}

// run records one life of posd.
func (t *tape) run(ctx context.Context, name string, play func(*tape, context.Context) error) error {
	t.runs++
	file := t.s.path("logs/trace" + strconv.Itoa(t.runs))
	t.s.plan.wrap = append([]string{"strace"}, straceArgs(file)...)
	if strings.Contains(name, "full disk") {
		t.s.plan.wrap = append(t.s.plan.wrap, "-e", fmt.Sprintf("inject=pwrite64:error=ENOSPC:when=%d", fullAt))
	}
	t.starts[name], t.order = t.record.end, append(t.order, name)
	if err := t.s.start(ctx); err != nil {
		return err
	}
	t.follow(ctx)
	err := play(t, ctx)
	if t.s.posd.running() {
		err = errors.Join(err, errors.New("posd still runs"))
		t.s.kill()
	}
	t.following.Wait()
	if err != nil {
		return err
	}
	return t.record.add(file)
}

// follow has the till follow the events from the first one on: what it is told of has its number in the journal.
func (t *tape) follow(ctx context.Context) {
	t.following.Go(func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.s.listen+"/v1/events", nil)
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+tillToken)
		req.Header.Set("Last-Event-ID", "0")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return // the record will show that nothing was followed
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body) // until posd ends
	})
}

// killTraced ends posd as a crash would, and lets the tracer finish what it has to write.
func (t *tape) killTraced() error {
	tracer := strconv.Itoa(t.s.posd.cmd.Process.Pid)
	text, err := os.ReadFile("/proc/" + tracer + "/task/" + tracer + "/children")
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("children of the tracer: %q", text)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-t.s.posd.ended
	return nil
}

// sale opens the next sale.
func (t *tape) sale(ctx context.Context) (string, error) {
	t.sales++
	name := fmt.Sprintf("P-%d", t.sales)
	a, err := t.s.till.openSale(ctx, name, int64(1000+t.sales))
	if err == nil && a.refused() {
		err = fmt.Errorf("sale %s: %d %s %s", name, a.Status, a.Code, a.Detail)
	}
	return name, err
}

// card pays the next sale by card and wants an outcome.
func (t *tape) card(ctx context.Context, states ...string) (string, error) {
	sale, err := t.sale(ctx)
	if err != nil {
		return sale, err
	}
	a, err := t.s.payByCard(ctx, sale, "a", t.sales)
	return sale, wanted(a, err, states...)
}

// wallet pays the next sale by a wallet.
func (t *tape) wallet(ctx context.Context, wallet string, states ...string) (string, error) {
	sale, err := t.sale(ctx)
	if err != nil {
		return sale, err
	}
	code, err := t.s.code(ctx, wallet)
	if err != nil {
		return sale, err
	}
	a, err := t.s.payByCode(ctx, sale, "a", code)
	return sale, wanted(a, err, states...)
}

func wanted(a said, err error, states ...string) error {
	if err == nil && !slices.Contains(states, a.State) {
		err = fmt.Errorf("%s/%s is %q (%s %s), want %s", a.Sale, a.Attempt, a.State, a.Code, a.Detail, strings.Join(states, " or "))
	}
	return err
}

// day is sales on both rails, answers that are lost, a void, a refund, and posd killed while it owes a reversal.
func (t *tape) day(ctx context.Context) error {
	card, err := t.card(ctx, "approved")
	if err != nil {
		return err
	}
	if _, err := t.s.till.ack(ctx, card); err != nil {
		return err
	}
	alipay, err := t.wallet(ctx, walletsim.AlipayName, "approved")
	if err != nil {
		return err
	}
	if _, err := t.wallet(ctx, walletsim.WeChatName, "approved"); err != nil {
		return err
	}
	a, err := t.s.giveBack(ctx, card, "v", "void", "a")
	if err := wanted(a, err, "approved"); err != nil {
		return err
	}
	a, err = t.s.giveBack(ctx, alipay, "r", "refund", "a")
	if err := wanted(a, err, "approved"); err != nil {
		return err
	}
	if err := t.lostAnswers(ctx); err != nil {
		return err
	}
	return t.killedWhileItOwes(ctx)
}

// lostAnswers are answers that never come, of a host and of both gateways, and a card that is declined.
func (t *tape) lostAnswers(ctx context.Context) error {
	err := errors.Join(
		t.s.hostDoes(ctx, hostsim.Rule{MTI: "0200", Times: 1, Do: hostsim.CommitClose}),
		t.s.gatewayDoes(ctx,
			walletsim.Rule{Call: walletsim.CallPay, Fault: walletsim.Reset, Commit: true},
			walletsim.Rule{Call: walletsim.CallQuery, Wallet: walletsim.AlipayName, Fault: walletsim.ServerError}),
	)
	if err != nil {
		return err
	}
	if _, err := t.card(ctx, "reversing", "reversed"); err != nil {
		return err
	}
	if _, err := t.wallet(ctx, walletsim.AlipayName, "reversing", "reversed"); err != nil {
		return err
	}
	// The query finds it paid, if it comes in time.
	if _, err := t.wallet(ctx, walletsim.WeChatName, "approved", "reversing", "reversed"); err != nil {
		return err
	}
	if err := errors.Join(t.s.calm(ctx), t.settled(ctx), t.s.hostDoes(ctx, hostsim.Rule{MTI: "0200", Do: hostsim.Decline, Code: "51"})); err != nil {
		return err
	}
	_, err = t.card(ctx, "declined")
	return err
}

// settled waits until nothing is owed.
func (t *tape) settled(ctx context.Context) error {
	return until(ctx, "nothing to be owed", func(ctx context.Context) (bool, error) {
		a, err := t.s.supervisor.get(ctx, "/v1/owed")
		return err == nil && a.Status == http.StatusOK && len(a.Open) == 0, err
	})
}

// killedWhileItOwes kills posd when a reversal is due that the host does not answer.
func (t *tape) killedWhileItOwes(ctx context.Context) error {
	if err := t.s.hostDoes(ctx, hostsim.Rule{MTI: "0200", Do: hostsim.CommitClose}, hostsim.Rule{MTI: "0400", Do: hostsim.Close}); err != nil {
		return err
	}
	sale, err := t.card(ctx, "reversing")
	if err != nil {
		return err
	}
	err = until(ctx, "the reversal to be tried", func(ctx context.Context) (bool, error) {
		a, err := t.s.till.get(ctx, attemptPath(sale, "a"))
		return a.Reversal.Tries > 0, err
	})
	return errors.Join(err, t.killTraced())
}

// evening is the start after that: the reversal goes out and is answered, another sale is paid, the batch is closed.
func (t *tape) evening(ctx context.Context) error {
	if err := errors.Join(t.s.calm(ctx), t.settled(ctx)); err != nil {
		return err
	}
	if _, err := t.card(ctx, "approved"); err != nil {
		return err
	}
	if _, err := t.wallet(ctx, walletsim.AlipayName, "approved"); err != nil {
		return err
	}
	a, err := t.s.till.closeBatch(ctx, wait)
	if err := wanted(a, err, "closed"); err != nil {
		return err
	}
	return t.s.stop()
}

// busy is commit after commit, until the disk is full once: the ballast goes, the journal is reopened, and the ballast
// comes back.
func (t *tape) busy(ctx context.Context) error {
	refusals := 0
	for n := 0; n < busyCommits || refusals == 0; n++ {
		if n == busyMost {
			return errors.New("the disk was never full")
		}
		err := until(ctx, "a sale to be taken", func(ctx context.Context) (bool, error) {
			t.sales++
			a, err := t.s.till.openSale(ctx, fmt.Sprintf("P-%d", t.sales), 1)
			if err == nil && a.refused() {
				refusals++
			}
			return err == nil && !a.refused(), err
		})
		if err != nil {
			return err
		}
	}
	// Another thread may find the disk full only now: then the sale is taken back, or the host was never asked.
	if _, err := t.card(ctx, "approved", "reversing", "reversed", "not_paid", ""); err != nil {
		return err
	}
	return errors.Join(t.settled(ctx), t.s.stop())
}

// partOf names the life that a place is in.
func (t *tape) partOf(place int) (name string) {
	for _, part := range t.order {
		if t.starts[part] <= place {
			name = part
		}
	}
	return name
}
