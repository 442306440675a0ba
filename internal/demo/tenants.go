package demo

import "waybill"

// The people of each kind of business, by country.
var (
	shoppers  = audience{{"BR", 34}, {"MX", 20}, {"US", 18}, {"IN", 15}, {"DE", 9}, {"ID", 4}}
	readers   = audience{{"BR", 42}, {"MX", 26}, {"IN", 18}, {"DE", 9}, {"ID", 5}}
	payers    = audience{{"US", 55}, {"DE", 30}, {"IN", 15}}
	flyers    = audience{{"ID", 44}, {"VN", 25}, {"IN", 13}, {"CN", 10}, {"DE", 4}, {"US", 4}}
	islanders = audience{{"ID", 62}, {"IN", 24}, {"VN", 14}}
	neighbors = audience{{"US", 1}}
)

// shop returns the WhatsApp Business Account of a shop with customers in many
// countries. It advertises nothing in the US, as Meta does not deliver it there.
func (b *Business) shop() *line {
	seed := b.options.Seed
	number := func(name, start string, n int, serves ...string) sender {
		return sender{start + digits(n, seed, name), leading("1", 15, seed, name, "id"), serves}
	}
	three := []string{"en_US", "pt_BR", "es_MX"}
	return &line{
		id: b.ids.shop, name: "Harbor & Pine", provider: waybill.ProviderWABA, account: b.ids.account,
		zoneName: "America/Los_Angeles",
		senders: []sender{
			number("shop 1", "1650555", 4, "US", "DE"),
			number("shop 2", "55114", 8, "BR", "MX"),
			number("shop 3", "9180", 8, "IN", "ID"),
		},
		campaigns: (*Business).shopCampaigns, talks: 36, talkers: shoppers,
		templates: numbered(seed, waybill.ProviderWABA, []template{
			{name: "new_collection", category: marketing, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("Shop now|Comprar agora|Comprar ahora"), rate: .10},
				{kind: quickReply, texts: texts("Stop promotions|Parar promoções|Detener promociones"), rate: .012},
			}},
			{name: "weekend_offer", category: marketing, languages: three, buttons: []button{
				{kind: quickReply, texts: texts("Yes, I want it|Sim, eu quero|Sí, lo quiero"), rate: .11},
				{kind: quickReply, texts: texts("Not now|Agora não|Ahora no"), rate: .04},
			}},
			{name: "season_sale", category: marketing, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("See the sale|Ver a promoção|Ver las rebajas"), rate: .16},
				{kind: quickReply, texts: texts("Remind me|Lembrar depois|Recuérdame"), rate: .03},
			}},
			{name: "order_confirmation", category: utility, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("Track order|Acompanhar pedido|Seguir pedido"), rate: .22},
			}},
			{name: "shipping_update", category: utility, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("Track parcel|Rastrear pacote|Rastrear paquete"), rate: .31},
				{kind: callButton, texts: texts("Call us|Ligar|Llamar"), rate: .012},
			}},
			{name: "delivery_feedback", category: utility, languages: three, buttons: []button{
				{kind: quickReply, texts: texts("Great|Ótimo|Excelente"), rate: .21},
				{kind: quickReply, texts: texts("Could be better|Pode melhorar|Puede mejorar"), rate: .05, talk: true},
			}},
			{name: "payment_due", category: utility, languages: []string{"en_US", "de"}, buttons: []button{
				{kind: urlButton, texts: texts("Pay now|Jetzt bezahlen"), rate: .36},
			}},
			{name: "login_code", category: authentication, languages: three},
		}),
		flows: []flow{
			{"order_confirmation", 128, shopWeek, &shopping, shoppers, true},
			{"shipping_update", 118, workWeek, &office, shoppers, true},
			{"delivery_feedback", 58, workWeek, &office, shoppers, false},
			{"payment_due", 56, workWeek, &office, payers, false},
			{"login_code", 150, codeWeek, &codes, shoppers, false},
			{"weekend_offer", 42, promoWeek, &promo, readers, false},
			{"new_collection", 26, promoWeek, &promo, readers, false},
		},
	}
}

// airline returns the ChatApp channel of an airline in Southeast Asia.
func (b *Business) airline() *line {
	seed := b.options.Seed
	three := []string{"en", "id", "vi"}
	return &line{
		id: b.ids.airline, name: "Kestrel Air", provider: waybill.ProviderChatapp, account: b.ids.account,
		senders: []sender{
			{"86138" + digits(8, seed, "airline 1"), "", []string{"CN", "VN", "DE", "US"}},
			{"62811" + digits(7, seed, "airline 2"), "", nil},
		},
		campaigns: (*Business).airlineCampaigns, talks: 20, talkers: flyers,
		templates: numbered(seed, waybill.ProviderChatapp, []template{
			{name: "fare_sale", category: marketing, languages: three, buttons: []button{
				{kind: quickReply, texts: texts("Show fares|Lihat tarif|Xem giá vé"), rate: .12},
				{kind: quickReply, texts: texts("Unsubscribe|Berhenti|Hủy đăng ký"), rate: .013},
			}},
			{name: "miles_bonus", category: marketing, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("See my miles|Lihat mil saya|Xem dặm thưởng"), rate: .09},
			}},
			{name: "booking_confirmed", category: utility, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("Manage booking|Kelola pemesanan|Quản lý đặt chỗ"), rate: .24},
				{kind: callButton, texts: texts("Call us|Hubungi kami|Gọi cho chúng tôi"), rate: .02},
			}},
			{name: "checkin_open", category: utility, languages: three, buttons: []button{
				{kind: urlButton, texts: texts("Check in|Check-in|Làm thủ tục"), rate: .40},
			}},
			{name: "flight_change", category: utility, languages: three, buttons: []button{
				{kind: quickReply, texts: texts("Accept|Setuju|Đồng ý"), rate: .34},
				{kind: quickReply, texts: texts("Rebook me|Ubah jadwal|Đổi chuyến"), rate: .14, talk: true},
			}},
			{name: "otp_code", category: authentication, languages: []string{"en", "id", "zh_CN"}},
		}),
		flows: []flow{
			{"booking_confirmed", 92, tripWeek, &shopping, flyers, true},
			{"checkin_open", 84, tripWeek, &flights, flyers, false},
			{"flight_change", 22, tripWeek, &flights, flyers, false},
			{"otp_code", 128, codeWeek, &codes, flyers, false},
			{"miles_bonus", 26, promoWeek, &promo, islanders, false},
			{"fare_sale", 22, promoWeek, &promo, islanders, false},
		},
	}
}

// cafe returns the MoMo page of a tea shop in Vietnam. It writes to segments
// only: see generator.segment.
func (b *Business) cafe() *line {
	more := []button{{kind: "REDIRECT", texts: texts("Xem thêm"), rate: .21}}
	return &line{
		id: b.ids.page, name: "Trà Chanh Ven Hồ", provider: waybill.ProviderMomo, account: b.ids.account,
		templates: numbered(b.options.Seed, waybill.ProviderMomo, []template{
			{name: "welcome_voucher", languages: []string{"vi"}, buttons: more},
			{name: "miss_you", languages: []string{"vi"}, buttons: more},
			{name: "new_drinks", languages: []string{"vi"}, buttons: more},
		}),
	}
}

// clinic returns the small account of somebody else.
func (b *Business) clinic() *line {
	seed := b.options.Seed
	return &line{
		id: b.ids.clinic, name: "Lakeside Clinic", provider: waybill.ProviderWABA, account: b.ids.foreign,
		zoneName:  "America/New_York",
		senders:   []sender{{"1716555" + digits(4, seed, "clinic 1"), leading("2", 15, seed, "clinic 1", "id"), nil}},
		campaigns: (*Business).clinicCampaigns, talks: 4, talkers: neighbors,
		templates: numbered(seed, waybill.ProviderWABA, []template{
			{name: "appointment_reminder", category: utility, languages: []string{"en_US"}, buttons: []button{
				{kind: quickReply, texts: texts("Confirm"), rate: .48},
				{kind: quickReply, texts: texts("Reschedule"), rate: .09, talk: true},
			}},
			{name: "flu_shots", category: utility, languages: []string{"en_US"}, buttons: []button{
				{kind: quickReply, texts: texts("Book a time"), rate: .12, talk: true},
			}},
		}),
		flows: []flow{{"appointment_reminder", 30, workWeek, &office, neighbors, false}},
	}
}
