package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// options say what kind of server it is.
type options struct {
	maxStreams int  // per HTTP/2 connection
	h1         bool // HTTP/1.1 only
	plain      bool // no TLS, as `kubectl proxy`
}

// request is what a client asked for.
type request struct {
	Method, Path string // without the query
	Query        url.Values
	Header       http.Header
}

func newRequest(method, target string, header http.Header) *request {
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		return &request{method, target, url.Values{}, header}
	}
	return &request{method, parsed.Path, parsed.Query(), header}
}

// answer is where a request is answered, over HTTP/1.1 or HTTP/2.
type answer interface {
	Begin(status int, header map[string]string)
	Write(data []byte) bool // false: the client has gone
	End()
	Reset() // ends it out of order
	Cut()   // closes its connection
	Gone() <-chan struct{}
}

// server is a Kubernetes API server as far as a reader of pod logs sees one.
type server struct {
	options  options
	listener net.Listener
	ca       []byte // PEM
	handler  func(*request, answer)

	mutex sync.Mutex
	conns map[interface{}]net.Conn

	opened atomic.Int64 // connections, ever
	down   atomic.Bool  // no connection is taken
}

func newServer(o options, handler func(*request, answer)) (*server, error) {
	if o.maxStreams == 0 {
		o.maxStreams = 100 // the API server's default
	}
	s := &server{options: o, handler: handler, conns: map[interface{}]net.Conn{}}
	certificate, err := s.certificate()
	if err != nil {
		return nil, err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.listener = plain
	protocols := []string{"h2", "http/1.1"}
	if o.h1 || o.plain {
		protocols = []string{"http/1.1"}
	}
	configuration := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: protocols}
	h1 := make(chan net.Conn)
	go s.accept(configuration, h1)
	go http.Serve(&handOver{plain.Addr(), h1}, http.HandlerFunc(s.serveH1))
	return s, nil
}

func (s *server) accept(configuration *tls.Config, h1 chan<- net.Conn) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if s.down.Load() {
			conn.Close()
			continue
		}
		s.opened.Add(1)
		go func() {
			if s.options.plain {
				s.addNet(conn)
				h1 <- conn
				return
			}
			secure := tls.Server(conn, configuration)
			secure.SetDeadline(time.Now().Add(10 * time.Second))
			if err := secure.Handshake(); err != nil {
				conn.Close()
				return
			}
			secure.SetDeadline(time.Time{})
			if secure.ConnectionState().NegotiatedProtocol == "h2" {
				serveH2(s, secure)
				return
			}
			s.addNet(conn)
			h1 <- secure
		}()
	}
}

func (s *server) url() string {
	scheme := "https://"
	if s.options.plain {
		scheme = "http://"
	}
	return scheme + s.listener.Addr().String()
}

func (s *server) kubeconfig() string {
	authority := ""
	if !s.options.plain {
		authority = ", certificate-authority-data: " + base64.StdEncoding.EncodeToString(s.ca)
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: fake
clusters: [{name: fake, cluster: {server: %q%s}}]
users: [{name: fake, user: {token: first}}]
contexts: [{name: fake, context: {cluster: fake, user: fake}}]
`, s.url(), authority)
}

func (s *server) serve(r *request, a answer) { s.handler(r, a) }

func (s *server) addConn(c *h2Conn)          { s.mutex.Lock(); s.conns[c] = c.net; s.mutex.Unlock() }
func (s *server) addNet(c net.Conn)          { s.mutex.Lock(); s.conns[c] = c; s.mutex.Unlock() }
func (s *server) removeConn(key interface{}) { s.mutex.Lock(); delete(s.conns, key); s.mutex.Unlock() }

// each calls `do` with every HTTP/2 connection.
func (s *server) each(do func(*h2Conn)) {
	s.mutex.Lock()
	var all []*h2Conn
	for key := range s.conns {
		if c, ok := key.(*h2Conn); ok {
			all = append(all, c)
		}
	}
	s.mutex.Unlock()
	for _, c := range all {
		do(c)
	}
}

// cutAll closes every connection, as a server that is killed does.
func (s *server) cutAll() {
	s.mutex.Lock()
	var all []net.Conn
	for key, c := range s.conns {
		all = append(all, c)
		if _, h1 := key.(net.Conn); h1 {
			delete(s.conns, key)
		}
	}
	s.mutex.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// restart takes the server away for a while: connections are cut and none is taken.
func (s *server) restart(away time.Duration) {
	s.down.Store(true)
	s.cutAll()
	time.Sleep(away)
	s.down.Store(false)
}

func (s *server) close() {
	s.listener.Close()
	s.cutAll()
}

// certificate makes a serving certificate that signs itself; it is the authority as well.
func (s *server) certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fake-api-server"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	s.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// handOver is a listener of connections that others accepted.
type handOver struct {
	address net.Addr
	conns   <-chan net.Conn
}

func (h *handOver) Accept() (net.Conn, error) { return <-h.conns, nil }
func (h *handOver) Close() error              { return nil }
func (h *handOver) Addr() net.Addr            { return h.address }

// h1Answer answers over HTTP/1.1.
type h1Answer struct {
	writer http.ResponseWriter
	gone   <-chan struct{}
	over   chan struct{} // closed: the handler may return
	abort  bool
	once   sync.Once
	mutex  sync.Mutex
}

func (s *server) serveH1(w http.ResponseWriter, r *http.Request) {
	a := &h1Answer{writer: w, gone: r.Context().Done(), over: make(chan struct{})}
	go s.serve(newRequest(r.Method, r.URL.RequestURI(), r.Header), a)
	<-a.over
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.abort {
		panic(http.ErrAbortHandler)
	}
}

func (a *h1Answer) Begin(status int, header map[string]string) {
	for name, value := range header {
		a.writer.Header().Set(name, value)
	}
	a.writer.WriteHeader(status)
	a.writer.(http.Flusher).Flush()
}

func (a *h1Answer) Write(data []byte) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	select {
	case <-a.over:
		return false
	default:
	}
	if _, err := a.writer.Write(data); err != nil {
		return false
	}
	a.writer.(http.Flusher).Flush()
	return true
}

func (a *h1Answer) End() { a.once.Do(func() { close(a.over) }) }
func (a *h1Answer) Reset() {
	a.once.Do(func() {
		a.mutex.Lock()
		a.abort = true
		a.mutex.Unlock()
		close(a.over)
	})
}
func (a *h1Answer) Cut()                  { a.Reset() }
func (a *h1Answer) Gone() <-chan struct{} { return a.gone }
