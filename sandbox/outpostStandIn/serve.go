package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	address        = ":9000"
	metricsAddress = ":9300"
	cookieName     = "authentik_proxy"
	loginPath      = "/outpost.goauthentik.io/callback"
	startPath      = "/outpost.goauthentik.io/start"
	pingPath       = "/outpost.goauthentik.io/ping"
)

// outpost keeps its sessions in authentik's folder for them: $TMPDIR, which its image sets to /dev/shm.
type outpost struct {
	dir      string
	refusals atomic.Int64
}

func serve() error {
	o := &outpost{dir: os.TempDir()}
	mux := http.NewServeMux()
	mux.HandleFunc(pingPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc(loginPath, o.logIn)
	mux.HandleFunc("/", o.page)
	failed := make(chan error, 2)
	go func() { failed <- http.ListenAndServe(address, mux) }()
	go func() { failed <- http.ListenAndServe(metricsAddress, http.HandlerFunc(o.metrics)) }()
	log.Printf("event=started address=%s dir=%s", address, o.dir)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		return err
	case <-asked:
		return nil
	}
}

// page is there for anyone who is logged in. Everyone else is sent to log in.
func (o *outpost) page(w http.ResponseWriter, r *http.Request) {
	found, login := false, false
	if cookie, err := r.Cookie(cookieName); err == nil {
		if found, login, err = load(o.dir, cookie.Value); err != nil {
			o.refuse(w, err)
			return
		}
	}
	if login {
		fmt.Fprintln(w, "the page")
		return
	}
	if !found && !o.begin(w, values{"redirect": "https://app.example.com" + r.URL.RequestURI()}) {
		return
	}
	http.Redirect(w, r, startPath, http.StatusFound)
}

// logIn answers at the address to which authentik sends anyone who has logged in.
func (o *outpost) logIn(w http.ResponseWriter, r *http.Request) {
	if o.begin(w, values{"claims": user(time.Now().Add(24*time.Hour).Unix(), 800)}) {
		http.Redirect(w, r, "/", http.StatusFound)
	}
}

// begin saves a new session and sets its cookie. If it can't be saved, begin answers with the refusal and returns false.
func (o *outpost) begin(w http.ResponseWriter, content values) bool {
	id := newID()
	if err := save(o.dir, id, content); err != nil {
		o.refuse(w, err)
		return false
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true})
	return true
}

// refuse answers as authentik does: HTTP 400, with the reason in the log. It logs only the first and every thousandth refusal,
// or the log would hold nothing else.
func (o *outpost) refuse(w http.ResponseWriter, err error) {
	if n := o.refusals.Add(1); n%1000 == 1 {
		log.Printf("event=refused count=%d error=%q", n, err)
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

func (o *outpost) metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE outpost_stand_in_refusals counter\noutpost_stand_in_refusals %d\n", o.refusals.Load())
}
