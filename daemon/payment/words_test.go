package payment

import "testing"

func TestACodeIsSaidOnceWithItsText(t *testing.T) {
	for _, c := range []struct{ code, text, want string }{
		{"51", "insufficient funds", "51 insufficient funds"},
		{"ACQ.TRADE_NOT_EXIST", "refused: ACQ.TRADE_NOT_EXIST", "refused: ACQ.TRADE_NOT_EXIST"},
		{"12", "try again in 12 hours", "12 try again in 12 hours"},
		{"", "no answer", "no answer"},
		{"96", "", "96"},
		{"", "", ""},
	} {
		if got := Words(c.code, c.text); got != c.want {
			t.Errorf("%q and %q are said as %q, want %q", c.code, c.text, got, c.want)
		}
	}
}

func TestTwoAnswersAtOnceTellTheTillOnce(t *testing.T) {
	withDesk(t, &script{pol: cardPolicy, answers: []Answer{yes(1000)}}, nil, Rules{}, func(b *bench) {
		b.open("s", 1000)
		a := b.said(request("s", "a", RailCard), SaidApproved)
		before, err := b.desk.Seq(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // each read it before the other had told
			if err := b.desk.Told(b.ctx, a); err != nil {
				t.Fatal(err)
			}
		}
		if after, err := b.desk.Seq(b.ctx); err != nil || after != before+1 {
			t.Errorf("the journal has %d new events (%v), want one", after-before, err)
		}
	})
}
