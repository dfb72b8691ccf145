package iso8583

// dialectFile is a dialect as TOML has it; dialects/unionpay.toml is its annotated example.
type dialectFile struct {
	Base        string `toml:"base"`
	Name        string `toml:"name"`
	Title       string `toml:"title"`
	InFlightMax string `toml:"in_flight_max"`

	DropTransactions []string `toml:"drop_transactions"`

	Frame struct {
		Length         string `toml:"length"`
		IncludesItself bool   `toml:"length_includes_itself"`
		Trailer        string `toml:"trailer"`
		TrailerCounted bool   `toml:"trailer_counted"`
		KeepAlive      string `toml:"keep_alive"`
		Max            int    `toml:"max"`
		TPDUBytes      int    `toml:"tpdu_bytes"`
		TPDUReply      string `toml:"tpdu_reply"`
		HeaderBytes    int    `toml:"header_bytes"`
		TPDU           string `toml:"tpdu"`
		Header         string `toml:"header"`
		ReplyHeader    string `toml:"reply_header"`

		Request struct {
			Digit  int               `toml:"digit"`
			SignOn []string          `toml:"sign_on"`
			Words  map[string]string `toml:"words"`
		} `toml:"request"`
	} `toml:"frame"`

	Codec struct {
		MTI         string `toml:"mti"`
		Bitmap      string `toml:"bitmap"`
		BitmapBits  int    `toml:"bitmap_bits"`
		ThirdBitmap string `toml:"third_bitmap"`
		Numbers     string `toml:"numbers"`
		Text        string `toml:"text"`
		Lengths     string `toml:"lengths"`
		Count       string `toml:"count"`
		Binary      string `toml:"binary"`
		Charset     string `toml:"charset"`
		Pad         string `toml:"pad"`
		Fill        string `toml:"fill"`
	} `toml:"codec"`

	MAC struct {
		Algorithm    string `toml:"algorithm"`
		Padding      string `toml:"padding"`
		Output       string `toml:"output"`
		Range        string `toml:"range"`
		Field        int    `toml:"field"`
		KeyBytes     int    `toml:"key_bytes"`
		DeclineNeeds bool   `toml:"decline_needs_mac"`
	} `toml:"mac"`

	Fields   map[string]fieldFile            `toml:"fields"`
	Override map[string]map[string]fieldFile `toml:"override"`

	Sub []subFile `toml:"sub"`

	Match struct {
		Fields []int `toml:"fields"`
	} `toml:"match"`

	Reply struct {
		Equal         []int             `toml:"equal"`
		EqualApproved []int             `toml:"equal_approved"`
		Roles         map[string]string `toml:"roles"`
	} `toml:"reply"`

	Transaction map[string]transactionFile `toml:"transaction"`

	Reversal struct {
		Reasons map[string]string `toml:"reasons"`
		Final   []string          `toml:"final"`
		InDoubt []string          `toml:"in_doubt"`
		Refused []string          `toml:"refused"`
		SignOn  []string          `toml:"sign_on"`
		Retry   []string          `toml:"retry"`
	} `toml:"reversal"`

	Settlement struct {
		Items      int               `toml:"items"`
		Item       string            `toml:"item"`
		Kinds      map[string]string `toml:"kinds"`
		Voids      string            `toml:"voids"`
		Result     string            `toml:"result"`
		Balanced   []string          `toml:"balanced"`
		Unbalanced []string          `toml:"unbalanced"`
	} `toml:"settlement"`

	Answers map[string]answerFile `toml:"answers"`
}

type fieldFile struct {
	Name    string `toml:"name"`
	ZH      string `toml:"zh"`
	Format  string `toml:"format"`
	Numbers string `toml:"numbers"`
	Text    string `toml:"text"`
	Lengths string `toml:"lengths"`
	Count   string `toml:"count"`
	Binary  string `toml:"binary"`
	Charset string `toml:"charset"`
	Align   string `toml:"align"`
	Pad     string `toml:"pad"`
	Fill    string `toml:"fill"`
	Class   string `toml:"class"`
	Holds   string `toml:"holds"`
}

type transactionFile struct {
	MTI      string            `toml:"mti"`
	Set      map[string]string `toml:"set"`
	Reversal *struct {
		MTI  string            `toml:"mti"`
		Drop []int             `toml:"drop"`
		Set  map[string]string `toml:"set"`
	} `toml:"reversal"`
}

type answerFile struct {
	Action string `toml:"action"`
	ZH     string `toml:"zh"`
	EN     string `toml:"en"`
}
