package traffic

import (
	"math"
	"math/bits"
	"strconv"

	"waybill"
)

// The shape of the traffic. A share is in parts of 65536.
const (
	senders   = 20
	templates = 200
	accounts  = 10

	campaignMessages = 5000
	inCampaign       = 65536 * 30 / 100
	inMain           = 65536 * 85 / 100

	failedShare    = 65536 * 3 / 100
	deliveredShare = 65536 * 805 / 970 // of those that do not fail
	readShare      = 65536 * 250 / 805 // of those that are delivered
	silentShare    = 65536 * 2 / 100   // of those that are read: no delivery report

	lateShare   = 65536 * 15 / 1000 // registrations that come last
	earlyShare  = 65536 * 3 / 100   // readings that come before the delivery
	doubleShare = 65536 * 5 / 100   // reports that come twice
	moreShare   = 65536 * 10 / 100  // of those: the first one tells a later time
)

// Main is the channel that has most of the traffic and that is asked about.
const Main waybill.ChannelNumber = 1

// A message is what becomes of one message: the truth that its reports tell,
// each stage Never where nothing reports it.
type message struct {
	number   uint32
	channel  waybill.ChannelNumber
	campaign int // -1 outside of one
	sender   uint8
	template uint8
	country  uint8
	language uint8
	at       [waybill.NumStages]waybill.Instant
	random   random // for what is not part of the truth: when reports arrive
}

// message returns what becomes of the message with the given number.
func (tr *Traffic) message(number uint32) message {
	r := seeded(tr.Seed, uint64(number))
	m := message{number: number, campaign: -1}
	who := &r
	if r.chance(inCampaign) {
		m.campaign = int(uint64(number) * 3 / 10 / campaignMessages)
		of := seeded(tr.Seed+2, uint64(m.campaign))
		who = &of
	}
	m.channel = Main
	if !who.chance(inMain) {
		m.channel = Main + 1 + waybill.ChannelNumber(who.below(accounts-1))
	}
	m.sender = uint8(who.below(senders))
	m.template = templateOf.pick(who)
	m.country, m.language = countryOf.pick(&r), languageOf.pick(&r)
	tr.live(&m, &r)
	m.random = r
	return m
}

// live decides which stages m reaches and when.
func (tr *Traffic) live(m *message, r *random) {
	at := Start + waybill.Instant(uint64(m.number)*days*day/uint64(tr.Messages))
	m.at[waybill.Accepted] = at
	if r.chance(failedShare) {
		m.at[waybill.Failed] = at + waybill.Instant(r.exp(60))
		return
	}
	at += waybill.Instant(r.below(3))
	m.at[waybill.Sent] = at
	if !r.chance(deliveredShare) {
		return
	}
	at += waybill.Instant(r.exp(90))
	m.at[waybill.Delivered] = at
	if !r.chance(readShare) {
		return
	}
	m.at[waybill.Read] = at + 1 + waybill.Instant(r.logNormal(600, 1.5))
	if r.chance(silentShare) {
		m.at[waybill.Delivered] = waybill.Never
	}
}

// reached returns when m reached each stage. A reading tells the delivery that
// nothing else reported.
func (m *message) reached() [waybill.NumStages]waybill.Instant {
	at := m.at
	if at[waybill.Delivered] == waybill.Never {
		at[waybill.Delivered] = at[waybill.Read]
	}
	return at
}

// label sets what the registration of m tells of it.
func (m *message) label(ls *waybill.Labels) {
	ls.Set(waybill.LabelSender, senderNames[m.sender], waybill.RankOwn)
	ls.Set(waybill.LabelTemplate, templateNames[m.template], waybill.RankOwn)
	ls.Set(waybill.LabelLanguage, languageNames[m.language], waybill.RankOwn)
	ls.Set(waybill.LabelCountry, countryNames[m.country], waybill.RankDerived)
	ls.Set(waybill.LabelCategory, categoryNames[m.template%3], waybill.RankOwn)
	if m.campaign >= 0 {
		ls.Set(waybill.LabelCampaign, "campaign-"+strconv.Itoa(m.campaign), waybill.RankOwn)
	}
}

var (
	senderNames   = numbered(senders, 8613800000000)
	templateNames = numbered(templates, 1100)
	countryNames  = []string{"ID", "VN", "SG", "BR", "IN", "MX", "TH", "MY", "PH", "AE"}
	languageNames = []string{"en", "id", "vi"}
	categoryNames = []string{"MARKETING", "UTILITY", "AUTHENTICATION"}
	failureCodes  = []string{"131026", "131047", "131049", "130472"}

	templateOf = newZipf(templates, 1.3)
	countryOf  = newZipf(len(countryNames), 1.3)
	languageOf = newZipf(len(languageNames), 1.3)
)

func numbered(n, first int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(first + i)
	}
	return names
}

// A zipf draws numbers so that number i is drawn with weight 1/(i+1)^s.
type zipf [1 << 12]uint8

func newZipf(n int, s float64) *zipf {
	var total float64
	for i := range n {
		total += math.Pow(float64(i+1), -s)
	}
	z := new(zipf)
	i, sum := 0, 1/total
	for slot := range z {
		for (float64(slot)+.5)/float64(len(z)) > sum && i < n-1 {
			i++
			sum += math.Pow(float64(i+1), -s) / total
		}
		z[slot] = uint8(i)
	}
	return z
}

func (z *zipf) pick(r *random) uint8 { return z[r.next()>>52] }

// A random is a SplitMix64 generator: a few operations a number, and any state
// is a seed (https://prng.di.unimi.it/splitmix64.c).
type random uint64

// seeded returns the generator of a thing with a number.
func seeded(seed, number uint64) random {
	r := random(number)
	return random(r.next() + seed*0xd1342543de82ef95)
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *random) chance(share uint64) bool { return r.next()>>48 < share }

func (r *random) below(n uint64) uint64 {
	high, _ := bits.Mul64(r.next(), n)
	return high
}

// unit returns a number in (0, 1].
func (r *random) unit() float64 { return float64(r.next()>>11+1) / (1 << 53) }

func (r *random) exp(mean float64) float64 { return -mean * math.Log(r.unit()) }

// logNormal uses one half of the Box-Muller transform.
func (r *random) logNormal(median, sigma float64) float64 {
	normal := math.Sqrt(-2*math.Log(r.unit())) * math.Cos(2*math.Pi*r.unit())
	return median * math.Exp(sigma*normal)
}
