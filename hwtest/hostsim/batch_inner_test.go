package hostsim

import "testing"

// A terminal whose close was refused within the upload tells its totals again, and then every item again.
func TestANewTryOfACloseBeginsItsUploadAnew(t *testing.T) {
	upload := Entry{Terminal: "1", Batch: "000001", Kind: KindUpload, Approved: true, Close: &Closing{Items: []Item{{Trace: "000001"}}}}
	totals := Entry{Terminal: "1", Batch: "000001", Kind: KindSettlement, Approved: true, Close: &Closing{Told: &Totals{}, Own: &Totals{DebitCount: 1}}}
	end := Entry{Terminal: "1", Batch: "000001", Kind: KindBatchEnd, Approved: true, Close: &Closing{Next: "000002"}}
	all := batches([]Entry{totals, upload, totals, upload, end})
	if len(all) != 1 || len(all[0].Items) != 1 || !all[0].Closed {
		t.Errorf("the batches are %+v, want one that is closed, with one item", all)
	}
}
