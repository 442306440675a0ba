// Command alibaba-go asks Waybill for the last week of a template, with the
// vendor's SDK. After make demo:
//
//	go run . ../../../.demo/demo.json
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

// demo is the part of demo.json that is for this vendor.
type demo struct {
	Endpoint        string   `json:"endpoint"`
	AccessKeyID     string   `json:"access_key_id"`
	AccessKeySecret string   `json:"access_key_secret"`
	CustSpaceID     string   `json:"cust_space_id"`
	TemplateCodes   []string `json:"template_codes"`
}

// metrics is the answer. The vendor's package for cams has such a type for each
// operation; it is the SDK's core that this example needs.
type metrics struct {
	Body struct {
		Data []struct {
			Language                             string
			SentCount, DeliveredCount, ReadCount int32
			Cliented                             []struct{ Count int32 }
			Start                                int64
		}
	} `json:"body"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: alibaba-go demo.json")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c struct{ Alibaba demo }
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	answer, err := templateMetric(c.Alibaba)
	if err != nil {
		return err
	}
	for _, row := range answer.Body.Data {
		var clicks int32
		for _, button := range row.Cliented {
			clicks += button.Count
		}
		fmt.Printf("%s %s %d sent, %d delivered, %d read, %d clicks\n",
			time.UnixMilli(row.Start).UTC().Format(time.RFC3339), row.Language,
			row.SentCount, row.DeliveredCount, row.ReadCount, clicks)
	}
	return nil
}

func templateMetric(d demo) (m metrics, err error) {
	client, err := openapi.NewClient(&openapiutil.Config{
		Endpoint: &d.Endpoint, // such as 127.0.0.1:8080; the only line that changes
		Protocol: dara.String("http"), AccessKeyId: &d.AccessKeyID, AccessKeySecret: &d.AccessKeySecret,
	})
	if err != nil {
		return m, err
	}
	now := time.Now()
	result, err := client.CallApi(&openapiutil.Params{
		Action: dara.String("GetChatappTemplateMetric"), Version: dara.String("2020-06-06"),
		Pathname: dara.String("/"), Method: dara.String("POST"), Style: dara.String("RPC"),
		AuthType: dara.String("AK"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, &openapiutil.OpenApiRequest{Query: openapiutil.Query(map[string]any{
		"CustSpaceId": d.CustSpaceID, "TemplateCode": d.TemplateCodes[0], "Granularity": "DAILY",
		"Start": now.AddDate(0, 0, -7).UnixMilli(), "End": now.UnixMilli(),
	})}, &dara.RuntimeOptions{})
	if err != nil {
		return m, err
	}
	return m, dara.Convert(result, &m)
}
