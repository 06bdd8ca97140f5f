package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxRate = 5000
	// Limit of visits to an outpost of another pod.
	maxRateElsewhere = 50
	maxSeconds       = 900
	maxLogins        = 5000
)

// second is what happened in one second. `usedBytes` and `sizeBytes` are of the sessions' folder at its end.
type second struct {
	Second    int         `json:"second"`
	Status    map[int]int `json:"status"`
	Failed    int         `json:"failed"`
	UsedBytes uint64      `json:"usedBytes"`
	SizeBytes uint64      `json:"sizeBytes"`
}

// ending counts the people who logged in before the first visit, and those who were still logged in after the last.
type ending struct {
	Logins int `json:"logins"`
	Alive  int `json:"alive"`
}

// target is the outpost to visit: that of this pod, unless a flag names another.
var target = "http://127.0.0.1:9000"

// visit logs people in, then sends visitors without a cookie for a limited time, then checks who is still logged in. SIGTERM
// ends the visits early. A flood must stay on loopback: any other target gets no more than a trickle.
func visit(args []string) error {
	flags := flag.NewFlagSet("visit", flag.ContinueOnError)
	logins := flags.Int("logins", 0, "people who log in first")
	known := flags.Bool("known", false, "count the people whose sessions are there already among those who logged in")
	rate := flags.Int("rate", 0, "visits a second")
	seconds := flags.Int("seconds", 0, "how long they come")
	flags.StringVar(&target, "target", target, "the outpost's URL")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if elsewhere := !strings.HasPrefix(target, "http://127.0.0.1:"); elsewhere && *rate > maxRateElsewhere {
		return fmt.Errorf("at most %d visits a second to %s", maxRateElsewhere, target)
	}
	if *logins > maxLogins || *rate > maxRate || *seconds > maxSeconds {
		return fmt.Errorf("at most %d logins, %d visits a second, %d seconds", maxLogins, maxRate, maxSeconds)
	}
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	}
	people, err := logIn(client, *logins)
	if err != nil {
		return err
	}
	if *known {
		people = peopleOf(os.TempDir())
	}
	out := json.NewEncoder(os.Stdout)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	flood(client, *rate, *seconds, asked, out)
	return out.Encode(ending{Logins: len(people), Alive: alive(client, people)})
}

func logIn(client *http.Client, count int) ([]*http.Cookie, error) {
	people := make([]*http.Cookie, 0, count)
	for range count {
		answer, err := client.Get(target + loginPath)
		if err != nil {
			return nil, err
		}
		answer.Body.Close()
		if len(answer.Cookies()) != 1 {
			return nil, fmt.Errorf("a login was answered %s", answer.Status)
		}
		people = append(people, answer.Cookies()[0])
	}
	return people, nil
}

// peopleOf returns the cookies of everyone who is logged in, from the files of their sessions.
func peopleOf(dir string) []*http.Cookie {
	files, _ := filepath.Glob(sessionFile(dir, "*"))
	var people []*http.Cookie
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil && isLogin(content) {
			id := strings.TrimPrefix(filepath.Base(file), "session_")
			people = append(people, &http.Cookie{Name: cookieName, Value: id})
		}
	}
	return people
}

func alive(client *http.Client, people []*http.Cookie) int {
	count := 0
	for _, cookie := range people {
		if status, err := get(client, cookie); err == nil && status == http.StatusOK {
			count++
		}
	}
	return count
}

const workers = 32

// flood makes `rate` visits in each of `seconds`, spread over the second, or fewer if the second is over first. A visit counts
// in the second in which it ends, so that one without an answer does not hold up the others.
func flood(client *http.Client, rate, seconds int, asked <-chan os.Signal, out *json.Encoder) {
	counts := counter{ended: map[int]int{}}
	work := make(chan struct{})
	var underWay sync.WaitGroup
	for range workers {
		underWay.Add(1)
		go func() {
			defer underWay.Done()
			for range work {
				counts.add(get(client, nil))
			}
		}()
	}
	started := time.Now()
	for n := range seconds {
		begin := started.Add(time.Duration(n) * time.Second)
		interrupted := oneSecond(rate, begin, work, asked)
		isLast := interrupted || n == seconds-1
		if isLast {
			close(work)
			underWay.Wait()
		}
		out.Encode(counts.take(n + 1))
		if isLast {
			return
		}
	}
}

// oneSecond hands out `rate` visits. It ends with the second, or once it is asked to: then it returns true.
func oneSecond(rate int, begin time.Time, work chan<- struct{}, asked <-chan os.Signal) bool {
	over, cancel := context.WithDeadline(context.Background(), begin.Add(time.Second))
	defer cancel()
	for n := 0; n < rate && over.Err() == nil; n++ {
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(rate))))
		select {
		case work <- struct{}{}:
		case <-over.Done():
		}
	}
	select {
	case <-asked:
		return true
	case <-over.Done():
		return false
	}
}

// counter counts visits by their status; 0 if there was no answer.
type counter struct {
	lock  sync.Mutex
	ended map[int]int
}

func (c *counter) add(status int, err error) {
	if err != nil {
		status = 0
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.ended[status]++
}

// take returns the counts since it was called last, as those of a second.
func (c *counter) take(n int) second {
	c.lock.Lock()
	defer c.lock.Unlock()
	result := second{Second: n, Status: c.ended, Failed: c.ended[0]}
	delete(result.Status, 0)
	c.ended = map[int]int{}
	result.UsedBytes, result.SizeBytes = usage(os.TempDir())
	return result
}

func get(client *http.Client, cookie *http.Cookie) (int, error) {
	request, err := http.NewRequest(http.MethodGet, target+"/dashboards/overview?from=now-6h&to=now", nil)
	if err != nil {
		return 0, err
	}
	if cookie != nil {
		request.AddCookie(cookie)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body) // or the connection can't serve the next visit
	return answer.StatusCode, err
}

func usage(dir string) (used, size uint64) {
	var stat syscall.Statfs_t
	if syscall.Statfs(dir, &stat) != nil {
		return 0, 0
	}
	block := uint64(stat.Bsize)
	return (stat.Blocks - stat.Bfree) * block, stat.Blocks * block
}
