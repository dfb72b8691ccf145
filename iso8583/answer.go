package iso8583

// Action says what an answer code means for a request. The zero value is the careful one.
type Action int

// The actions.
const (
	ActionUnknown Action = iota // the host does not know itself: reverse
	ActionApprove
	ActionPartial // approved for less
	ActionDecline
	ActionSignOn // declined; sign on before the next request
	ActionRetry  // declined; the customer may try again
	// ActionDuplicate is declined for a number that the host has seen before. To a repeated request it says nothing
	// about the first copy, which was perhaps booked.
	ActionDuplicate
	ActionSupervisor // declined; a supervisor or the bank decides: keep the card, call
)

var actionNames = map[string]Action{
	"reverse":    ActionUnknown,
	"approve":    ActionApprove,
	"partial":    ActionPartial,
	"decline":    ActionDecline,
	"sign_on":    ActionSignOn,
	"retry":      ActionRetry,
	"duplicate":  ActionDuplicate,
	"supervisor": ActionSupervisor,
}

// String is the dialect files' word.
func (a Action) String() string {
	for name, action := range actionNames {
		if action == a {
			return name
		}
	}
	return "?"
}

// Answer is what a code means, in words.
type Answer struct {
	Code           string
	Action         Action
	TextZH, TextEN string
}

// Action says what an answer code means; an unlisted one is a decline. An empty code is no answer: ActionUnknown.
func (d *Dialect) Action(code string) Answer {
	if a, ok := d.answers[code]; ok {
		return a
	}
	if code == "" {
		return Answer{Action: ActionUnknown, TextZH: "无应答码", TextEN: "no answer code"}
	}
	return Answer{Code: code, Action: ActionDecline, TextZH: "交易失败", TextEN: "declined"}
}

// ReversalAction says what the answer to a reversal means. The zero value is the careful one.
type ReversalAction int

// The reversal's actions.
const (
	ReversalRetry   ReversalAction = iota // not ended: send it again
	ReversalFinal                         // confirmed: nothing is or will be charged
	ReversalInDoubt                       // the host knows no original, or did it already, or on another day
	ReversalRefused                       // a person must decide
	ReversalSignOn                        // sign on, then send it again
)

var reversalNames = map[string]ReversalAction{
	"retry":    ReversalRetry,
	"final":    ReversalFinal,
	"in_doubt": ReversalInDoubt,
	"refused":  ReversalRefused,
	"sign_on":  ReversalSignOn,
}

// String is the dialect files' word.
func (a ReversalAction) String() string {
	for name, action := range reversalNames {
		if action == a {
			return name
		}
	}
	return "?"
}

// ReversalAction says what the answer to a reversal means; an unlisted code is ReversalRetry.
func (d *Dialect) ReversalAction(code string) ReversalAction { return d.undo[code] }
