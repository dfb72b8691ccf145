package main

import (
	"net/http"
	"strings"
	"testing"

	"posd/hwtest/walletsim"
)

func TestASecondSlipSaysCopyAndOneThatWasNotPrintedDoesNot(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(s.code(walletsim.AlipayName))), "approved")
	s.slips(1)
	path := pathOf("S-1", "a") + "/print"
	if got := s.till.send(http.MethodPost, path, nil); got.HTTP != http.StatusAccepted || !got.Copy {
		t.Errorf("asked for once more: %+v", got)
	}
	s.slips(2)
	if got := s.till.send(http.MethodPost, path, nil); got.HTTP != http.StatusAccepted || !got.Copy {
		t.Errorf("asked for a third time: %+v", got)
	}
	slips := s.slips(3)
	for i, slip := range slips {
		if copied := strings.Contains(slip, "COPY"); copied != (i > 0) || !strings.Contains(slip, "19.99") {
			t.Errorf("slip %d says COPY: %v\n%s", i+1, copied, slip)
		}
	}

	quiet := by(s.code(walletsim.AlipayName))
	quiet["print"] = false
	s.till.open("S-2", 700)
	s.want(s.till.pay("S-2", "a", quiet), "approved")
	if got := s.till.send(http.MethodPost, pathOf("S-2", "a")+"/print", nil); got.HTTP != http.StatusAccepted || got.Copy {
		t.Errorf("asked for the first one: %+v", got)
	}
	if slips := s.slips(4); strings.Contains(slips[3], "COPY") {
		t.Errorf("the first slip says that it is a copy:\n%s", slips[3])
	}
}

func TestASlipIsPrintedOnDemandOnlyOfWhatIsKnown(t *testing.T) {
	s := openStore(t, plan{})
	s.till.open("S-1", 1999)
	s.till.begin("S-1", "a", saleBy("card"))
	s.refused(s.till.send(http.MethodPost, pathOf("S-1", "a")+"/print", nil), http.StatusConflict, "nothing_to_print")
	s.refused(s.till.send(http.MethodPost, pathOf("S-1", "b")+"/print", nil), http.StatusNotFound, "not_found")
	s.till.send(http.MethodPost, pathOf("S-1", "a")+"/cancel", nil)

	s.printer.SetPaper(false)
	s.till.open("S-2", 700)
	s.want(s.till.pay("S-2", "a", by(s.code(walletsim.AlipayName))), "approved")
	if got := s.till.send(http.MethodPost, pathOf("S-2", "a")+"/print", nil); got.HTTP != http.StatusAccepted || got.Copy || got.State != "waiting" {
		t.Errorf("while it waits for paper: %+v", got)
	}
	s.printer.SetPaper(true)
	if slips := s.slips(1); strings.Contains(slips[0], "COPY") {
		t.Errorf("the one slip is a copy:\n%s", slips[0])
	}
}
