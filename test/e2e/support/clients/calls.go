// Calls an origin by net/http, and prints what it answered: go run calls.go URL
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	origin := os.Args[1]
	for i := 0; i < 2; i++ {
		show(http.Get(origin + "/next"))
	}
	show(http.Post(origin+"/echo", "text/plain", strings.NewReader("hello")))
}

func show(response *http.Response, err error) {
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, string(body))
}
