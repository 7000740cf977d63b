package main

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// HTTP/2 by the frame, so that a test can break it where it wants to: refuse streams, reset one,
// say GOAWAY in order or not, fall silent with the connection open.

// h2Conn is one connection of a client.
type h2Conn struct {
	server   *server
	net      net.Conn
	framer   *http2.Framer
	buffered *bufio.Writer

	mutex     sync.Mutex // of all below, and of writing frames
	room      *sync.Cond // more may be sent
	encoder   *hpack.Encoder
	encoded   bytes.Buffer
	window    int64
	initial   int64
	streams   map[uint32]*h2Stream
	lastID    uint32
	goingAway bool
	closed    bool
	silent    bool // nothing is read or answered any more
}

type h2Stream struct {
	conn   *h2Conn
	id     uint32
	window int64
	over   bool
	gone   chan struct{}
}

func serveH2(s *server, conn net.Conn) {
	defer conn.Close()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := readFull(conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	c := &h2Conn{server: s, net: conn, buffered: bufio.NewWriterSize(conn, 64<<10),
		window: 65535, initial: 65535, streams: map[uint32]*h2Stream{}}
	c.room = sync.NewCond(&c.mutex)
	c.framer = http2.NewFramer(c.buffered, bufio.NewReaderSize(conn, 16<<10))
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.encoded)
	s.addConn(c)
	defer s.removeConn(c)
	defer c.close()
	c.mutex.Lock()
	c.framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(s.options.maxStreams)},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: 256 << 10})
	c.buffered.Flush()
	c.mutex.Unlock()
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		c.mutex.Lock()
		silent := c.silent
		c.mutex.Unlock()
		if silent {
			continue
		}
		c.take(frame)
	}
}

func (c *h2Conn) take(frame http2.Frame) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	defer c.buffered.Flush()
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return
		}
		if value, ok := f.Value(http2.SettingInitialWindowSize); ok {
			for _, stream := range c.streams {
				stream.window += int64(value) - c.initial
			}
			c.initial = int64(value)
		}
		c.framer.WriteSettingsAck()
		c.room.Broadcast()
	case *http2.PingFrame:
		if !f.IsAck() {
			c.framer.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.window += int64(f.Increment)
		} else if stream := c.streams[f.StreamID]; stream != nil {
			stream.window += int64(f.Increment)
		}
		c.room.Broadcast()
	case *http2.RSTStreamFrame:
		if stream := c.streams[f.StreamID]; stream != nil {
			c.end(stream)
		}
	case *http2.DataFrame: // a body is of no interest
		if f.Length > 0 {
			c.framer.WriteWindowUpdate(0, f.Length)
		}
	case *http2.MetaHeadersFrame:
		c.begin(f)
	}
}

func (c *h2Conn) begin(f *http2.MetaHeadersFrame) {
	if c.goingAway {
		c.framer.WriteRSTStream(f.StreamID, http2.ErrCodeRefusedStream)
		return
	}
	c.lastID = f.StreamID
	if len(c.streams) >= c.server.options.maxStreams {
		c.framer.WriteRSTStream(f.StreamID, http2.ErrCodeRefusedStream)
		return
	}
	stream := &h2Stream{conn: c, id: f.StreamID, window: c.initial, gone: make(chan struct{})}
	c.streams[f.StreamID] = stream
	header := http.Header{}
	for _, field := range f.RegularFields() {
		header.Add(field.Name, field.Value)
	}
	go c.server.serve(newRequest(f.PseudoValue("method"), f.PseudoValue("path"), header), stream)
}

// end forgets a stream. Called with the mutex.
func (c *h2Conn) end(stream *h2Stream) {
	if stream.over {
		return
	}
	stream.over = true
	delete(c.streams, stream.id)
	close(stream.gone)
	c.room.Broadcast()
}

func (c *h2Conn) close() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.closed = true
	for _, stream := range c.streams {
		c.end(stream)
	}
	c.room.Broadcast()
	c.net.Close()
}

// goAway tells the client to go; `last` is the last stream that is still served.
func (c *h2Conn) goAway(code http2.ErrCode, last uint32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.goingAway = true
	c.framer.WriteGoAway(last, code, nil)
	c.buffered.Flush()
}

func (c *h2Conn) fallSilent() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.silent = true
	c.room.Broadcast()
}

func (s *h2Stream) Begin(status int, header map[string]string) {
	c := s.conn
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if s.over || c.silent {
		return
	}
	c.encoded.Reset()
	c.encoder.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(status)})
	for name, value := range header {
		c.encoder.WriteField(hpack.HeaderField{Name: strings.ToLower(name), Value: value})
	}
	c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: c.encoded.Bytes(), EndHeaders: true})
	c.buffered.Flush()
}

// Write sends all of it, as far as the client's windows allow; false: the stream is over.
func (s *h2Stream) Write(data []byte) bool {
	c := s.conn
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for len(data) > 0 {
		for !s.over && !c.closed && (s.window <= 0 || c.window <= 0 || c.silent) {
			c.buffered.Flush()
			c.room.Wait()
		}
		if s.over || c.closed {
			return false
		}
		size := min(int64(len(data)), s.window, c.window, 16384)
		if err := c.framer.WriteData(s.id, false, data[:size]); err != nil {
			return false
		}
		s.window -= size
		c.window -= size
		data = data[size:]
	}
	return c.buffered.Flush() == nil
}

func (s *h2Stream) End() {
	c := s.conn
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if s.over || c.silent {
		return
	}
	c.framer.WriteData(s.id, true, nil)
	c.buffered.Flush()
	c.end(s)
}

func (s *h2Stream) Reset() {
	c := s.conn
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if s.over {
		return
	}
	c.framer.WriteRSTStream(s.id, http2.ErrCodeInternal)
	c.buffered.Flush()
	c.end(s)
}

func (s *h2Stream) Gone() <-chan struct{} { return s.gone }

// Cut closes the whole connection under the stream.
func (s *h2Stream) Cut() { s.conn.close() }

func readFull(conn net.Conn, into []byte) (int, error) {
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	defer conn.SetReadDeadline(time.Time{})
	done := 0
	for done < len(into) {
		n, err := conn.Read(into[done:])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
