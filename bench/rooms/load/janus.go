package main

// Janus' videoroom plugin over its WebSocket transport: one connection that sends, and one that receives all others.

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const keepAlive = 20 * time.Second

type janus struct {
	url   string
	feeds sync.Map // participant's name -> feed id
}

type object = map[string]interface{}

type janusMessage struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Sender      uint64 `json:"sender"`
	Data        struct {
		Id uint64 `json:"id"`
	} `json:"data"`
	Error *struct {
		Reason string `json:"reason"`
	} `json:"error"`
	Jsep       *description `json:"jsep"`
	PluginData struct {
		Data struct {
			VideoRoom string `json:"videoroom"`
			Id        uint64 `json:"id"`
			Error     string `json:"error"`
		} `json:"data"`
	} `json:"plugindata"`
}

// janusSession is one session over a WebSocket of its own.
type janusSession struct {
	ws      *websocket.Conn
	id      uint64
	mutex   sync.Mutex
	next    int
	waiting map[string]chan janusMessage
	events  func(janusMessage)
	closed  atomic.Bool
}

func (j *janus) session() (*janusSession, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}, HandshakeTimeout: patience}
	ws, _, err := dialer.Dial(j.url, nil)
	if err != nil {
		return nil, err
	}
	s := &janusSession{ws: ws, waiting: map[string]chan janusMessage{}}
	go s.listen()
	m, err := s.request(object{"janus": "create"}, false)
	if err != nil {
		return nil, err
	}
	s.id = m.Data.Id
	go s.stayAlive()
	return s, nil
}

func (s *janusSession) close() {
	s.closed.Store(true)
	_ = s.ws.Close()
}

func (s *janusSession) stayAlive() {
	for !s.closed.Load() {
		time.Sleep(keepAlive)
		_, _ = s.request(object{"janus": "keepalive", "session_id": s.id}, false)
	}
}

func (s *janusSession) listen() {
	for {
		var m janusMessage
		if err := s.ws.ReadJSON(&m); err != nil {
			return
		}
		s.mutex.Lock()
		waiting := s.waiting[m.Transaction]
		s.mutex.Unlock()
		if waiting != nil {
			waiting <- m
		}
	}
}

// request waits for the answer, or for the event that follows its acknowledgement.
func (s *janusSession) request(o object, event bool) (janusMessage, error) {
	answers := make(chan janusMessage, 8)
	s.mutex.Lock()
	s.next++
	transaction := strconv.Itoa(s.next)
	s.waiting[transaction] = answers
	o["transaction"] = transaction
	text, err := json.Marshal(o) // and not WriteJSON: Janus takes no message that ends with a line feed
	if err == nil {
		err = s.ws.WriteMessage(websocket.TextMessage, text)
	}
	s.mutex.Unlock()
	defer func() {
		s.mutex.Lock()
		delete(s.waiting, transaction)
		s.mutex.Unlock()
	}()
	if err != nil {
		return janusMessage{}, err
	}
	timeout := time.After(patience)
	for {
		select {
		case m := <-answers:
			switch {
			case m.Error != nil:
				return m, errors.New(m.Error.Reason)
			case m.PluginData.Data.Error != "":
				return m, errors.New(m.PluginData.Data.Error)
			case m.Janus == "ack" && event:
				continue
			}
			return m, nil
		case <-timeout:
			return janusMessage{}, fmt.Errorf("no answer to %v", o["janus"])
		}
	}
}

func (s *janusSession) attach() (uint64, error) {
	m, err := s.request(object{"janus": "attach", "session_id": s.id, "plugin": "janus.plugin.videoroom"}, false)
	return m.Data.Id, err
}

func (s *janusSession) message(handle uint64, body object, jsep *description, event bool) (janusMessage, error) {
	o := object{"janus": "message", "session_id": s.id, "handle_id": handle, "body": body}
	if jsep != nil {
		o["jsep"] = jsep
	}
	return s.request(o, event)
}

func (j *janus) prepare(rooms int) error {
	s, err := j.session()
	if err != nil {
		return err
	}
	defer s.close()
	handle, err := s.attach()
	if err != nil {
		return err
	}
	for room := 1; room <= rooms; room++ {
		_, err := s.message(handle, object{"request": "create", "room": room, "publishers": 1000, "bitrate": 0,
			"fir_freq": 0, "audiocodec": "opus", "videocodec": "vp8", "record": false, "audiolevel_event": false,
			"permanent": false}, nil, false)
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *janus) enter(p *participant) error {
	if len(p.sources) == 0 {
		return nil
	}
	s, err := j.session()
	if err != nil {
		return err
	}
	p.onClose(s.close)
	handle, err := s.attach()
	if err != nil {
		return err
	}
	return p.publishThrough(func(ours string) (string, error) {
		m, err := s.message(handle, object{"request": "joinandconfigure", "ptype": "publisher", "room": p.room,
			"display": p.name}, &description{"offer", ours}, true)
		if err != nil {
			return "", err
		}
		if m.Jsep == nil {
			return "", errors.New("no answer from janus")
		}
		j.feeds.Store(p.name, m.PluginData.Data.Id)
		return m.Jsep.Sdp, nil
	})
}

func (j *janus) receive(p *participant, publishers []*participant) error {
	if !p.receives {
		return nil
	}
	streams := []object{}
	for _, other := range publishers {
		if feed, known := j.feeds.Load(other.name); known && other != p {
			streams = append(streams, object{"feed": feed})
		}
	}
	s, err := j.session()
	if err != nil {
		return err
	}
	p.onClose(s.close)
	p.opened.Store(int64(time.Since(epoch)))
	handle, err := s.attach()
	if err != nil {
		return err
	}
	m, err := s.message(handle, object{"request": "join", "ptype": "subscriber", "room": p.room, "streams": streams},
		nil, true)
	if err != nil {
		return err
	}
	if m.Jsep == nil {
		return errors.New("no offer from janus")
	}
	return p.receiveThrough(m.Jsep.Sdp, func(ours string) error {
		_, err := s.message(handle, object{"request": "start"}, &description{"answer", ours}, true)
		return err
	})
}
