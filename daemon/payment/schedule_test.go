package payment

import (
	"testing"
	"time"
)

func TestWhichHourIsTheLast(t *testing.T) {
	cst := time.FixedZone("CST", 8*3600)
	summer, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	for _, c := range []struct {
		hour, now, want string
		zone            *time.Location
	}{
		{"23:30", "2026-11-22 23:30:00", "2026-11-22 23:30:00", cst},
		{"23:30", "2026-11-22 23:29:59", "2026-11-21 23:30:00", cst},
		{"00:00", "2026-11-22 00:00:00", "2026-11-22 00:00:00", cst},
		{"04:00", "2026-03-01 03:00:00", "2026-02-28 04:00:00", cst},
		{"02:30", "2026-03-29 12:00:00", "2026-03-29 03:30:00", summer}, // there is no half past two that day
		{"23:30", "2026-10-25 12:00:00", "2026-10-24 23:30:00", summer},
		{"", "2026-11-22 12:00:00", "", cst},
		{"24:00", "2026-11-22 12:00:00", "", cst},
	} {
		now, err := time.ParseInLocation(time.DateTime, c.now, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, ok := Rules{BatchCloseAt: c.hour}.closeTime(now)
		if ok != (c.want != "") || ok && at.Format(time.DateTime) != c.want {
			t.Errorf("at %s the last %q was %s (%v), want %q", c.now, c.hour, at.Format(time.DateTime), ok, c.want)
		}
	}
}

// inAnHour is a rule that closes the batch an hour after the test's begin.
func inAnHour() Rules {
	return Rules{BatchCloseAt: time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC).Local().Format("15:04")}
}

func TestTheHourClosesTheBatchOncePerDate(t *testing.T) {
	card := newSettlingCard(yes(100), yes(100), yes(100))
	withTenders(t, card, nil, inAnHour(), func(b *bench) {
		pay := func(id string) {
			b.open(id, 100)
			b.said(request(id, "a", RailCard), SaidApproved)
		}
		time.Sleep(2 * time.Hour)
		b.current("000001", BatchOpen) // it has no attempt
		pay("s")
		time.Sleep(22*time.Hour + 30*time.Minute)
		b.current("000001", BatchOpen)
		time.Sleep(time.Hour)
		b.current("000002", BatchOpen)
		all, err := b.desk.Batches(b.ctx)
		if err != nil || len(all) != 2 || all[1].Scheduled == "" || all[1].By != "schedule" || all[1].State != BatchClosed {
			t.Fatalf("batches %+v (%v)", all, err)
		}
		pay("t")
		b.skew(-2 * time.Hour) // the hour comes again, on the same date
		time.Sleep(4 * time.Hour)
		b.current("000002", BatchOpen)
		time.Sleep(24 * time.Hour)
		b.current("000003", BatchOpen)
		if want := "000001 totals 2, 000002 totals 4"; card.told() != want {
			t.Errorf("the host heard %s, want %s", card.told(), want)
		}
	})
}

func TestAnHourThatWasMissedIsMadeUpForAndNotRepeated(t *testing.T) {
	card := newSettlingCard(yes(100), yes(100))
	withTenders(t, card, nil, inAnHour(), func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidApproved)
		b.skew(12 * time.Hour) // the till was off, or its clock has jumped
		time.Sleep(time.Minute)
		b.current("000002", BatchOpen)
		b.open("t", 100)
		b.said(request("t", "a", RailCard), SaidApproved)
		b.skew(-12 * time.Hour)
		time.Sleep(3 * time.Hour)
		b.current("000002", BatchOpen)
	})
}

func TestTheHourGoesOnWithWhatIsOpen(t *testing.T) {
	card := newSettlingCard(Answer{})
	card.undos = []Undo{{Outcome: Refused}}
	withTenders(t, card, nil, inAnHour(), func(b *bench) {
		b.open("s", 100)
		b.said(request("s", "a", RailCard), SaidNeedsAttention)
		time.Sleep(2 * time.Hour)
		b.current("000002", BatchOpen)
		all, err := b.desk.Batches(b.ctx)
		if err != nil || len(all) != 2 || len(all[1].Open) != 1 || all[1].Open[0].State != Stuck {
			t.Errorf("batches %+v (%v)", all, err)
		}
	})
}

func TestAnHourThatIsLongOverShows(t *testing.T) {
	card := newSettlingCard(yes(100))
	withTenders(t, deaf{card}, nil, inAnHour(), func(b *bench) {
		if err := b.desk.book.AdoptBatch(b.ctx, "T", "000001"); err != nil {
			t.Fatal(err)
		}
		b.open("s", 100)
		r := request("s", "a", RailCard)
		r.Amount = 100
		if err := b.desk.create(b.ctx, r); err != nil {
			t.Fatal(err)
		}
		a, err := b.desk.send(b.ctx, r, card, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.desk.authorize(b.ctx, &life{}, a, card, nil)
		time.Sleep(time.Hour + 10*time.Minute)
		if h := b.desk.Health(b.ctx); h.Status != "ok" {
			t.Errorf("health %+v", h)
		}
		time.Sleep(10 * time.Minute)
		if h := b.desk.Health(b.ctx); h.Status != "degraded" || h.Problems[0].Code != "batch_close_late" {
			t.Errorf("health %+v", h)
		}
	})
}
