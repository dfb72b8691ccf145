package payment

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/journal"
)

// moved is a till whose terminal gets another number while its batch is being closed.
type moved struct {
	*bench

	card *settlingCard
	stop func()
}

// restartAs starts posd anew with a terminal number.
func (m *moved) restartAs(terminal string) {
	m.stop()
	m.card.pol.Terminal = terminal
	m.bench, m.stop = startOn(m.t, m.j, m.card)
	synctest.Wait()
}

// onTerminalT runs a test in a shop whose card terminal has the number T, and may get another one.
func onTerminalT(t *testing.T, test func(m *moved), answers ...Answer) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), journal.Options{Memory: true, Now: time.Now, Projections: []journal.Projection{Projection()}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		m := &moved{card: newSettlingCard(answers...), stop: func() {}}
		m.bench, m.stop = startOn(t, j, m.card)
		defer func() { m.stop() }()
		test(m)
	})
}

// whileMoved runs a test in the shop whose close of batch 000001 of terminal T hangs, and whose terminal is NEW by now.
func whileMoved(t *testing.T, test func(m *moved, begun Batch)) {
	t.Helper()
	onTerminalT(t, func(m *moved) {
		for range 3 {
			m.card.says = append(m.card.says, Settled{Code: "96"})
		}
		m.open("s", 100)
		m.said(request("s", "a", RailCard), SaidApproved)
		begun, err := m.desk.CloseBatch(m.ctx, CloseBatch{By: "till"})
		if err != nil {
			m.t.Fatal(err)
		}
		m.restartAs("NEW")
		h := m.desk.Health(m.ctx)
		if h.Status != "degraded" || !strings.Contains(h.Problems[0].Detail, "terminal T") || !strings.Contains(h.Problems[0].Remedy, "--by-hand") {
			m.t.Errorf("health %+v", h)
		}
		m.open("t", 200)
		m.said(request("t", "a", RailCard), SaidApproved) // the new number takes cards
		test(m, begun)
	}, yes(100), yes(200))
}

func TestTheCloseOfATerminalThatIsGoneGoesOnWhenItComesBack(t *testing.T) {
	whileMoved(t, func(m *moved, begun Batch) {
		m.restartAs("T")
		if got, err := m.desk.WaitBatch(m.ctx, begun.Seq, time.Hour); err != nil || got.State != BatchClosed {
			m.t.Errorf("it is %+v, %v", got, err)
		}
	})
}

func TestTheCloseOfATerminalThatIsGoneIsEndedByHand(t *testing.T) {
	whileMoved(t, func(m *moved, begun Batch) {
		got, err := m.desk.CloseBatch(m.ctx, CloseBatch{By: "chief", Reason: "the acquirer has settled it", ByHand: true})
		if err != nil || got.Seq != begun.Seq || got.State != BatchSuperseded || got.Terminal != "T" || got.Totals.Sales.Count != 1 || got.By != "chief" {
			t.Errorf("ended as %+v, %v", got, err)
		}
		if h := m.desk.Health(m.ctx); h.Status != "ok" {
			t.Errorf("health %+v", h)
		}
		_, err = m.desk.CloseBatch(m.ctx, CloseBatch{By: "chief", Reason: "once more", ByHand: true})
		m.refused(err, "batch_not_refused")
		m.restartAs("T") // nothing of it goes on, and its number is not used again
		m.current("000002", BatchOpen)
	})
}

func TestTheBatchThatASignOnToldIsOpenAfterTheOldOneIsEndedByHand(t *testing.T) {
	whileMoved(t, func(m *moved, begun Batch) {
		if err := m.desk.book.AdoptBatch(m.ctx, "T", "000009"); err != nil {
			t.Fatal(err)
		}
		got, err := m.desk.CloseBatch(m.ctx, CloseBatch{By: "chief", Reason: "the acquirer has settled it", ByHand: true})
		if err != nil || got.Seq != begun.Seq || got.State != BatchSuperseded || got.Next != "000009" {
			t.Errorf("ended as %+v, %v", got, err)
		}
		m.restartAs("T")
		m.current("000009", BatchOpen)
	})
}

func TestABatchThatIsLeftByANewTerminalNumberIsNamedAndEndedByHand(t *testing.T) {
	onTerminalT(t, func(m *moved) {
		m.open("s", 100)
		m.said(request("s", "a", RailCard), SaidApproved)
		m.restartAs("NEW")
		h := m.desk.Health(m.ctx)
		if h.Status != "degraded" || h.Problems[0].Code != "batch_orphaned" || !strings.Contains(h.Problems[0].Detail, "terminal T is not settled (payments: 1)") {
			t.Errorf("health %+v", h)
		}
		got, err := m.desk.CloseBatch(m.ctx, CloseBatch{By: "chief", Reason: "the acquirer has settled it", ByHand: true})
		if err != nil || got.State != BatchSuperseded || got.Terminal != "T" || got.Totals.Sales != (Sum{1, 100}) || got.By != "chief" {
			t.Errorf("ended as %+v, %v", got, err)
		}
		if h := m.desk.Health(m.ctx); h.Status != "ok" {
			t.Errorf("health %+v", h)
		}
		m.restartAs("T")
		m.current("000002", BatchOpen)
	}, yes(100))
}

func TestABatchThatIsLeftWithNothingToSettleIsNoReasonToEndAnother(t *testing.T) {
	onTerminalT(t, func(m *moved) {
		m.open("s", 100)
		m.said(preAuth("s", "a"), SaidApproved)
		m.restartAs("NEW")
		if h := m.desk.Health(m.ctx); h.Status != "ok" {
			t.Errorf("health %+v", h)
		}
		m.open("t", 100)
		m.said(request("t", "a", RailCard), SaidApproved)
		_, err := m.desk.CloseBatch(m.ctx, CloseBatch{By: "chief", Reason: "by mistake", ByHand: true})
		m.refused(err, "batch_not_refused")
		m.current("000001", BatchOpen)
	}, yes(100), yes(100))
}
