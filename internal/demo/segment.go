package demo

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"

	"waybill"
)

// A send is what a MoMo page writes to one segment of its customers.
type send struct {
	id, campaign string
	template     *template
	condition    string
	size         int
	start        int64 // when it was made, in milliseconds
	stops        float64
	chance       *rand.Rand // of its messages
}

// maxSend bounds the messages of a send.
const maxSend = 900

// Segments returns the segments that the MoMo page has written to by now.
// number tells the number of the channel with the given ID.
func (b *Business) Segments(number func(channelID string) waybill.ChannelNumber) []waybill.Segment {
	var segments []waybill.Segment
	for _, p := range b.plan() {
		s, ok := b.send(p.line, p.day)
		if !ok || s.start > b.options.Now.UnixMilli() {
			continue
		}
		segments = append(segments, waybill.Segment{
			Channel: number(p.line.id), ID: s.id, Campaign: s.campaign, Size: int64(s.size),
			Condition: s.condition, TemplateData: s.content(p.line), CreatedAt: s.start,
		})
	}
	return segments
}

// send returns what a line writes on a day: on three days of most weeks, if it is
// a MoMo page.
func (b *Business) send(l *line, d day) (send, bool) {
	slot := map[int]int{tuesday: 1, thursday: 2, saturday: 3}[d.weekday()]
	r := b.chance("segment", l.name, d.number)
	if l.provider != waybill.ProviderMomo || slot == 0 || r.Float64() < .2 {
		return send{}, false
	}
	s := send{id: strconv.Itoa(segmentNumber(d, slot)), chance: r, stops: 1}
	s.start = d.at(10, b.countries["VN"].zone) + r.Int64N(hour)
	s.campaign = strconv.FormatInt(s.start-2320, 10)
	s.size = min(60+int(lognormal(r, 150*season(d), .6)/second), maxSend)
	s.template = &l.templates[r.IntN(len(l.templates))]
	if r.Float64() < .12 {
		s.stops = .4 + .5*r.Float64()
	}
	conditions := pageConditions[s.template.name]
	s.condition = conditions[b.chance("condition", d.number).IntN(len(conditions))]
	return s, true
}

// pageConditions are the sets of customers that a template is for.
var pageConditions = map[string][]string{
	"welcome_voucher": {"PAYMENT_NO_FOLLOW", "FOLLOW_NO_PAYMENT"},
	"miss_you":        {"NO_ACTIVITIES_14", "NO_ACTIVITIES_30", "NO_ACTIVITIES_90"},
	"new_drinks":      {"FOLLOW_NO_PAYMENT", "NO_ACTIVITIES_14"},
}

// pageTexts are title and text of a template.
var pageTexts = map[string][2]string{
	"welcome_voucher": {"Chào bạn mới, tặng bạn voucher 20.000đ", "Ghé Trà Chanh Ven Hồ trong tuần này và dùng voucher khi thanh toán qua MoMo nhé!"},
	"miss_you":        {"Lâu rồi không gặp bạn 🍋", "Trà chanh & bánh tráng vẫn chờ bạn. Quay lại hôm nay, giảm ngay 15%."},
	"new_drinks":      {"Món mới: trà mãng cầu", "Thử ngay 3 món mới của tháng, ngon < 35.000đ!"},
}

// A card is the content of a message as MoMo has it.
type card struct {
	Message cardMessage `json:"chatMessage"`
}

type cardMessage struct {
	Type     string     `json:"messageType"`
	Title    string     `json:"title"`
	Content  string     `json:"content"`
	Button   string     `json:"button1Title"`
	Kind     string     `json:"button1Type"`
	Endpoint string     `json:"button1Endpoint"`
	Params   cardParams `json:"button1Params"`
}

type cardParams struct {
	PageID   string `json:"oaId"`
	PageName string `json:"oaName"`
}

// content returns the message as the text of its JSON.
func (s *send) content(l *line) string {
	shown, b := pageTexts[s.template.name], s.template.buttons[0].pressed(0)
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(card{cardMessage{
		Type: "ENGAGEMENT_CARD", Title: shown[0], Content: shown[1],
		Button: b.Text, Kind: b.Type, Endpoint: "official_account", Params: cardParams{l.id, l.name},
	}})
	if err != nil { // there are only texts in it
		return ""
	}
	return strings.TrimSpace(text.String())
}

// segment makes the messages of the day's send. The page's system tells of them
// with own events.
func (g *generator) segment() {
	s, ok := g.b.send(g.line, g.day)
	if !ok {
		return
	}
	r, vietnam := s.chance, g.b.countries["VN"]
	base := message{
		line: g.line, template: s.template, sender: g.line.id, campaign: s.campaign, segment: s.id,
	}
	for i := range s.size {
		m := base
		m.person = vietnam.person(r)
		m.id = m.segment + "-" + g.messageID(r, m.person.number, false)
		accepted := s.start + int64(i)*25 + r.Int64N(second)
		g.tell(r, &m, report{status: waybill.StatusAccepted, at: accepted})
		if float64(i) < s.stops*float64(s.size) {
			g.liveOnPage(r, &m, accepted+second+int64(i)*4*second)
		}
	}
}

// segmentNumber counts on from 2023, three segments a week.
func segmentNumber(d day, slot int) int {
	const start = 19359 // 2023-01-02, a Monday
	return 700 + (d.number-start)/7*3 + slot
}

// liveOnPage tells what becomes of a message that the page begins to send at the
// given time. MoMo gives no reasons of failures.
func (g *generator) liveOnPage(r *rand.Rand, m *message, at int64) {
	at += lognormal(r, 1.5, .6)
	if r.Float64() < .028 {
		g.tell(r, m, report{status: waybill.StatusFailed, at: at})
		return
	}
	g.tell(r, m, report{status: waybill.StatusSent, at: at})
	if r.Float64() < .035 {
		return
	}
	at += lognormal(r, 8, 1.6)
	g.tell(r, m, report{status: waybill.StatusDelivered, at: at})
	if r.Float64() >= .56 {
		return
	}
	at = awake(r, at+minute+lognormal(r, 90*60, 1.2), m.person.country)
	g.tell(r, m, report{status: waybill.StatusRead, at: at})
	if r.Float64() < m.template.buttons[0].rate {
		g.follow(r, m, &m.template.buttons[0], at+second+lognormal(r, 15, 1))
	}
}
