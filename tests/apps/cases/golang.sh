. /cases/lib.sh
mkdir /tmp/g && cd /tmp/g
export GOCACHE=/tmp/gocache GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0
cat >hello.go <<'END'
package main

import "fmt"

func main() { fmt.Println("hello") }
END
cat >many.go <<'END'
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	var group sync.WaitGroup
	results := make(chan int, 1000)
	for n := 0; n < 1000; n++ {
		group.Add(1)
		go func() { defer group.Done(); results <- n * n }()
	}
	group.Wait()
	close(results)
	sum := 0
	for r := range results {
		sum += r
	}
	fmt.Println("goroutines", sum)
	stop := make(chan bool)
	for i := 0; i < runtime.NumCPU(); i++ {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
	}
	runtime.GC() // every spinning goroutine is stopped by a signal
	close(stop)
	fmt.Println("preempted")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.ToUpper(r.URL.Path)) }))
	var served sync.WaitGroup
	var mutex sync.Mutex
	good := 0
	for i := 0; i < 50; i++ {
		served.Add(1)
		go func() {
			defer served.Done()
			answer, err := http.Get(fmt.Sprintf("http://%s/abc%d", listener.Addr(), i))
			if err != nil {
				panic(err)
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if string(body) == fmt.Sprintf("/ABC%d", i) {
				mutex.Lock()
				good++
				mutex.Unlock()
			}
		}()
	}
	served.Wait()
	fmt.Println("served", good)
	out, err := exec.Command("sh", "-c", "echo child; exit 3").CombinedOutput()
	fmt.Println(strings.TrimSpace(string(out)), err)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-caught)
	func() {
		defer func() { fmt.Println("recovered:", recover() != nil) }()
		var p *int
		*p = 1
	}()
	select {
	case <-time.After(50 * time.Millisecond):
		fmt.Println("timer")
	}
}
END
is "go run" "hello" "$(go run hello.go)"
go build -o many many.go
is "goroutines, net/http, children, signals" "goroutines 332833500;preempted;served 50;child exit status 3;user defined signal 1;recovered: true;timer" "$(./many | paste -sd';')"
complete
