# Lua from Debian's source package, with Debian's compiler.
. /cases/lib.sh
cd /tmp
tar -xf /usr/src/lua5.4_*.orig.tar.*
cd lua-5.4*/src
make -s -j2 linux-noreadline MYCFLAGS=-Wno-unused >/dev/null || make -s -j2 linux MYLIBS= MYCFLAGS=-ULUA_USE_READLINE >/dev/null
has "the program that was made" 'Lua 5.4*' "$(./lua -v)"
is "it computes" "6765" "$(./lua -e 'local function f(n) return n < 2 and n or f(n - 1) + f(n - 2) end print(f(20))')"
is "its compiler" "ok" "$(echo 'print("ok")' >t.lua; ./luac -o t.luac t.lua && ./lua t.luac)"
is "io.popen" "3" "$(./lua -e 'local p = io.popen("echo 1 2 3 | wc -w"); print((p:read("n"))); p:close()')"
is "strings and coroutines" "1 2 3 dead" "$(./lua -e '
local co = coroutine.create(function() for i = 1, 3 do coroutine.yield(i) end end)
local t = {}
for i = 1, 3 do local _, v = coroutine.resume(co); t[#t + 1] = v end
coroutine.resume(co)
print(table.concat(t, " ") .. " " .. coroutine.status(co))')"
complete
