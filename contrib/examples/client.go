// client.go: a client with nothing but Go's library: requests, errors, and retries that do nothing twice.
//
// usage: go run client.go URL NAME     makes a pool NAME with two servers, and shows it
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Refused is a response with a status from 400 on; Message is what the server says.
type Refused struct {
	Status  int
	Message string
}

func (r *Refused) Error() string { return fmt.Sprintf("%d %s", r.Status, r.Message) }

// Muster is a server. A Token is optional.
type Muster struct {
	URL, Token string
	Tries      int
}

// Request returns the status, and puts what the JSON says into result unless that is nil.
func (m *Muster) Request(method, path string, parameters url.Values, result any) (int, error) {
	target, body, key := strings.TrimSuffix(m.URL, "/")+path, "", ""
	if method == http.MethodGet {
		target += "?" + parameters.Encode()
	} else {
		// With its key, a write that comes again is not done again: it gets the response of the first.
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return 0, err
		}
		body, key = parameters.Encode(), fmt.Sprintf("%x", random)
	}
	for left := m.Tries - 1; ; left-- {
		request, err := http.NewRequest(method, target, strings.NewReader(body))
		if err != nil {
			return 0, err
		}
		if key != "" {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Idempotency-Key", key)
		}
		if m.Token != "" {
			request.Header.Set("Authorization", "Bearer "+m.Token)
		}
		status, wait, err := once(request, result)
		if err == nil || wait == 0 || left <= 0 {
			return status, err
		}
		time.Sleep(wait)
	}
}

// The token is for the server it was made for: not for another port or a subdomain, which Go's library takes
// for the same.
var client = &http.Client{CheckRedirect: func(request *http.Request, before []*http.Request) error {
	if len(before) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if first := before[0].URL; request.URL.Scheme != first.Scheme || request.URL.Host != first.Host {
		request.Header.Del("Authorization")
	}
	return nil
}}

// Also how long to wait before the next try; 0: there is no use in one.
func once(request *http.Request, result any) (int, time.Duration, error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, time.Second, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return response.StatusCode, time.Second, err
	}
	if response.StatusCode < 400 {
		if result != nil && len(text) > 0 {
			err = json.Unmarshal(text, result)
		}
		return response.StatusCode, 0, err
	}
	refused := &Refused{Status: response.StatusCode}
	if json.Unmarshal(text, &refused.Message) != nil {
		refused.Message = string(text)
	}
	switch response.StatusCode {
	case 429, 502, 503, 504:
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil || seconds < 1 {
			seconds = 1
		}
		return response.StatusCode, time.Duration(seconds) * time.Second, refused
	}
	return response.StatusCode, 0, refused
}

func must(status int, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	return status
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client URL NAME")
		os.Exit(2)
	}
	muster, name := &Muster{URL: os.Args[1], Tries: 5}, os.Args[2]
	servers := []string{name + "-1", name + "-2"}

	var made []string
	status := must(muster.Request("POST", "/entity/pool", url.Values{"name": {name}}, &made))
	fmt.Println(made[0], status)
	must(muster.Request("POST", "/entity/basicserver", url.Values{"name": servers}, nil))
	must(muster.Request("POST", "/entity/pool/"+url.PathEscape(name),
		url.Values{"action": {"insert"}, "device": servers}, nil))
	must(muster.Request("PUT", "/attribute/"+url.PathEscape(servers[0])+"/owner", url.Values{"value": {"Zoë & co"}}, nil))

	var found []struct {
		Name   string   `json:"name"`
		Owners []string `json:"attr owner"`
	}
	must(muster.Request("GET", "/query", url.Values{"q": {`within "` + name + `"`}, "fields": {"name,attr owner"}}, &found))
	for _, row := range found {
		if len(row.Owners) == 0 {
			row.Owners = []string{"nobody's"}
		}
		fmt.Println(row.Name, strings.Join(row.Owners, ", "))
	}

	var refused *Refused
	if _, err := muster.Request("GET", "/by-name/"+url.PathEscape(name)+"-3", nil, nil); errors.As(err, &refused) {
		fmt.Println(refused)
	}
}
