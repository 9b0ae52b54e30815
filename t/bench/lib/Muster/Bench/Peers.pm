# Muster::Bench::Peers: what else somebody could put there, from Debian and npm, beside Muster. One
# that can't be had is named, and left out.
package Muster::Bench::Peers;
use v5.24;
use warnings;
use Carp qw(croak);
use IO::Socket::INET ();
use JSON::PP ();
use Muster::Bench::Load qw(wrk);
use Muster::Bench::Run;
use Muster::Client;
use Muster::Process qw(free_port http_up poll run slurp source_dir spew temp_dir which);

my ($world, $run);

my %type = (t => 'text', i => 'integer', l => 'bigint', b => 'boolean', d => 'timestamp', j => 'jsonb',
    T => 'text[]', I => 'integer[]', L => 'bigint[]');

sub run_all {
    ($run) = @_;
    $world = $run->world;
    for my $peer ([ 'nginx with Lua' => \&nginx_lua ], [ 'fastify' => \&fastify ], [ 'webdis' => \&webdis ]) {
        my ($name, $code) = @$peer;
        next if eval { $code->(); 1 };
        my $why = $@ =~ s/ at \S+ line \d+\.?\s*\z//r =~ s/\s+/ /gr;
        $run->report->line('peers', $name, why => "can't be had: $why");
    }
    return;
}

# Installs Debian packages, without starting what comes with them.
sub need {
    my (@packages) = @_;
    my $result = run([ 'sh', '-c', '. "$0" && packages_need "$@"', source_dir() . '/contrib/packages', @packages ], timeout => 600);
    die "$result->{err}\n" if $result->{status} != 0;
    return;
}

# A statement whose parameters have their types, for drivers that don't give any.
sub typed {
    my ($name) = @_;
    my $statement = $world->{statements}{$name} // die "no statement $name\n";
    my @letters   = split //, $statement->{params};
    return $statement->{text} =~ s/\$(\d+)(?!::)/\$$1::$type{$letters[$1 - 1]}/gr;
}

sub started {
    my ($command, $port, %more) = @_;
    my $log     = temp_dir() . '/log';
    my $process = Muster::Process->start($command, out => $log, %more);
    poll(30, sub { http_up($port) || !$process->alive }) && $process->alive
        or die "$command->[0] did not start: " . slurp($log) . "\n";
    return {
        url     => "http://127.0.0.1:$port",
        client  => Muster::Client->new(port => $port),
        front   => [],
        program => [ $process->pid ],
        process => $process,
    };
}

# The names in an answer, to see that it is one.
sub check {
    my ($peer, $path, $pattern) = @_;
    my $answer = $peer->{client}->get($path);
    die "$path: $answer->{status} " . substr($answer->{body} // $answer->{error}, 0, 300) . "\n"
        unless $answer->{status} == 200 && $answer->{body} =~ $pattern;
    return;
}

# Ours beside this one, the front servers' processor time as well: not all peers have one.
sub beside {
    my ($id, $what, $peer, $muster, $lua, %more) = @_;
    my ($most, $theirs) = delete @more{qw(most lua)};
    my %by = $run->compare(
        "peers: $id",
        [
            $run->over_http('muster', $muster, $lua, %more),
            $run->over_http($id,      $peer,   $theirs // $lua, %more),
        ],
    );
    $run->judge('peers', "$what, of $id", @by{ 'muster', $id }, payers => [qw(front program database)], most => $most);
    return;
}

sub some_object { return Muster::Bench::Run::any_of($run->servers, '/by-name/serverN') }
sub an_object   { return '/by-name/server' . (Muster::Bench::Data::FIRST + 6) }

# --- nginx with Lua and a driver that blocks its worker

my $lua_objects = <<'LUA';
local DBI, cjson = require 'DBI', require 'cjson'
local M, statements = {}, {}
local dbh
local function run(name, ...)
    if not dbh then
        dbh = assert(DBI.Connect('PostgreSQL', 'dbname=large host=SOCKET user=postgres options=OPTIONS'))
        dbh:autocommit(true)
    end
    local s = statements[name]
    if not s then
        s = assert(dbh:prepare(M.sql[name]))
        statements[name] = s
    end
    assert(s:execute(...))
    return s
end
local function objects(rows)
    local list, object = {}, nil
    for r in rows do
        if r[2] == 0 then
            object = {name = r[12], driver = r[13], attrs = {}, contents = {}, parents = {}, ips = {}}
            list[#list + 1] = object
        elseif r[2] == 1 then
            local value = r[8] or r[9] or r[10] or (r[12] and '/' .. r[13] .. '/' .. r[12]) or cjson.null
            if r[4] == '_contains' then object.contents[#object.contents + 1] = value else
                object.attrs[#object.attrs + 1] = {key = r[4], subkey = r[5] or cjson.null, number = r[6] or cjson.null,
                    datatype = r[7], value = value}
            end
            if r[5] == 'ipstring' then object.ips[#object.ips + 1] = value end
        else
            object.parents[#object.parents + 1] = '/' .. r[13] .. '/' .. r[12]
        end
    end
    return list
end
function M.by_name(name)
    return cjson.encode(objects(run('object_by_name', M.drivers, M.resources, name):rows(false))[1])
end
function M.pool(name)
    local pool
    for r in run('refs_by_names', '{' .. name .. '}'):rows(false) do pool = r[1] end
    local ids = {}
    for r in run('list_from_pools', nil, 0, false, 0, '{}', '{}', '{}', '{' .. pool .. '}', true):rows(false) do ids[#ids + 1] = r[2] end
    return cjson.encode(objects(run('objects_by_ids', M.drivers, M.resources, '{' .. table.concat(ids, ',') .. '}'):rows(false)))
end
LUA

# How an nginx of ours begins, up to and into its http block; logs as in the sample.
sub nginx_head {
    my ($dir, $processes) = @_;
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join '', map { "${_}_temp_path $dir/$_; " } qw(client_body fastcgi proxy scgi uwsgi);
    return <<"CONF";
daemon off;
$user
worker_processes $processes;
pid $dir/nginx.pid;
error_log $dir/error.log;
events { worker_connections 1024; }
http {
    $temp
    access_log $dir/access.log combined buffer=32k flush=1s;
    keepalive_requests 100000;
CONF
}

sub nginx_lua {
    need(qw(libnginx-mod-http-ndk libnginx-mod-http-lua lua-dbi-postgresql lua-cjson));
    my $dir  = temp_dir();
    my $port = free_port();
    my $lua  = $lua_objects;
    my $host = $world->postgres->socket_dir;
    my $session = "'" . ($world->session =~ s/([\\'])/\\$1/gr) . "'";
    $lua =~ s/SOCKET/$host/;
    $lua =~ s/'dbname=large (.*?) options=OPTIONS'/[==[dbname=large $1 options=$session]==]/;
    my @names = qw(object_by_name refs_by_names list_from_pools objects_by_ids);
    my $sql   = join ', ', map { "$_ = [==[" . typed($_) . "]==]" } @names;
    spew("$dir/inventory.lua", "$lua\nM.sql = {$sql}\nM.drivers, M.resources = '$world->{managers}[0]', '$world->{managers}[1]'\nreturn M\n");
    my $head = nginx_head($dir, $run->option('workers'));
    spew("$dir/nginx.conf", <<"CONF");
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
$head
    lua_package_path "$dir/?.lua;/usr/share/lua/5.1/?.lua;;";
    lua_package_cpath "/usr/lib/x86_64-linux-gnu/lua/5.1/?.so;/usr/lib/*/lua/5.1/?.so;;";
    server {
        listen 127.0.0.1:$port;
        default_type application/json;
        location ~ ^/by-name/(?<object>.+) { content_by_lua_block { ngx.print(require('inventory').by_name(ngx.var.object)) } }
        location = /from-pools { content_by_lua_block { ngx.print(require('inventory').pool(ngx.var.arg_pool)) } }
    }
}
CONF
    my $peer = started([ which('nginx'), '-e', "$dir/error.log", '-p', $dir, '-c', "$dir/nginx.conf" ], $port);
    check($peer, an_object(), qr/SN100000\d/);
    check($peer, '/from-pools?pool=pool1', qr/"server1000002"/);
    my $muster = $world->muster('plain');
    my $pools  = $world->data->count('pool');
    beside('nginx with Lua', 'by-name, expanded', $peer, $muster, some_object());
    beside('nginx with Lua', 'a pool of 100 expanded', $peer, $muster,
        "wrk.headers['Clusto-Mode'] = 'expanded'\nrequest = function() return wrk.format('GET', '/from-pools?pool=pool' .. math.random($pools)) end\n",
        most => 1);
    $peer->{process}->stop;
    return;
}

# --- fastify and pg, a process for each of our workers

my $fastify_server = <<'JS';
const cluster = require('node:cluster')
const wanted = JSON.parse(process.env.BENCH)
if (cluster.isPrimary) {
  for (let i = 0; i < wanted.workers; i++) cluster.fork()
} else {
  const app = require('fastify')()
  const { Pool } = require('pg')
  const pool = new Pool({ host: wanted.socket, user: 'postgres', database: 'large', max: 1, options: wanted.options })
  app.get('/by-name/:name', async (request) => {
    const result = await pool.query({ name: 'object', text: wanted.sql, rowMode: 'array',
      values: [wanted.drivers, wanted.resources, request.params.name] })
    let object
    for (const r of result.rows) {
      if (r[1] === 0) object = { attrs: [], contents: [], driver: r[12], ips: [], name: r[11], parents: [] }
      else if (r[1] === 1) {
        const value = r[7] ?? r[8] ?? r[9] ?? (r[11] && '/' + r[12] + '/' + r[11])
        object.attrs.push({ datatype: r[6], key: r[3], number: r[5], subkey: r[4], value })
        if (r[4] === 'ipstring') object.ips.push(value)
      } else object.parents.push('/' + r[12] + '/' + r[11])
    }
    return object
  })
  app.listen({ port: wanted.port, host: '127.0.0.1' })
}
JS

sub fastify {
    my $node = which('node') // do { need('nodejs'); which('node') } // die "no node\n";
    my $npm  = which('npm')  // do { need('npm');    which('npm') }  // die "no npm\n";
    my $dir  = temp_dir();
    my $got  = run([ $npm, 'install', '--silent', '--no-audit', '--no-fund', '--prefix', $dir, 'fastify', 'pg' ], cwd => $dir, timeout => 300);
    die "npm install: $got->{out}$got->{err}\n" if $got->{status} != 0;
    spew("$dir/server.js", $fastify_server);
    my $port = free_port();
    my $peer = started([ $node, "$dir/server.js" ], $port, cwd => $dir, env => {
        NODE_ENV => 'production',
        BENCH    => JSON::PP::encode_json({
            workers => 0 + $run->option('workers'), port => 0 + $port, socket => $world->postgres->socket_dir, options => $world->session,
            sql => typed('object_by_name'), drivers => $world->{managers}[0], resources => $world->{managers}[1],
        }),
    });
    poll(20, sub { eval { check($peer, an_object(), qr/SN100000\d/); 1 } }) or check($peer, an_object(), qr/SN100000\d/);
    # Its compiler wants to have seen everything often.
    wrk(url => $peer->{url}, lua => some_object(), clients => $run->option('clients'), seconds => 5, seed => 0);
    beside('fastify', 'by-name, expanded', $peer, $world->muster('plain'), some_object());
    $peer->{process}->stop;
    return;
}

# A nginx before it, as Muster has: who does TLS and asks who is there. Connections to it are kept.
sub behind_nginx {
    my ($peer) = @_;
    my $dir  = temp_dir();
    my $port = free_port();
    my ($address) = $peer->{url} =~ m{//(.*)};
    my $head = nginx_head($dir, $run->option('front-workers'));
    spew("$dir/nginx.conf", <<"CONF");
$head
    upstream peer { server $address; keepalive 64; keepalive_requests 100000; }
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://peer;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
CONF
    my $front = started([ which('nginx'), '-e', "$dir/error.log", '-p', $dir, '-c', "$dir/nginx.conf" ], $port);
    return { %$peer, url => $front->{url}, client => $front->{client}, front => $front->{program}, process => $front->{process} };
}

# --- webdis over redis: the answers as they are, in memory

sub webdis {
    need(qw(redis-server webdis));
    my $dir   = temp_dir();
    my $redis = free_port();
    my $port  = free_port();
    my $server = Muster::Process->start(
        [ which('redis-server'), '--port', $redis, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', $dir ],
        out => "$dir/redis.log",
    );
    poll(20, sub { http_up($redis) }) or die 'redis did not start: ' . slurp("$dir/redis.log");
    my $hot    = $run->hot_objects;
    my $muster = $world->muster('cached');
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $redis) // die "redis: $@\n";
    for my $n (Muster::Bench::Data::FIRST .. Muster::Bench::Data::FIRST + $hot - 1) {
        my $body = $muster->{client}->get("/by-name/server$n")->{body};
        print {$socket} join("\r\n", '*3', '$3', 'SET', '$' . length "server$n", "server$n", '$' . length $body, $body), "\r\n";
        $socket->flush;
        defined readline $socket or die "redis: $!\n";
    }
    spew("$dir/webdis.json", JSON::PP::encode_json({
        redis_host => '127.0.0.1', redis_port => 0 + $redis, http_host => '127.0.0.1', http_port => 0 + $port,
        threads => 0 + $run->option('workers'), pool_size => 20, daemonize => JSON::PP::false, websockets => JSON::PP::false,
        database => 0, acl => [ { enabled => [ 'GET' ] } ], verbosity => 3, logfile => "$dir/webdis.log",
    }));
    my $peer = started([ which('webdis'), "$dir/webdis.json" ], $port);
    check($peer, '/GET/server' . Muster::Bench::Data::FIRST . '.txt', qr/"attrs"/);
    push @{ $peer->{program} }, $server->pid;
    my $behind = behind_nginx($peer);
    check($behind, '/GET/server' . Muster::Bench::Data::FIRST . '.txt', qr/"attrs"/);
    my $ours   = Muster::Bench::Run::any_of($hot, '/by-name/serverN');
    my $theirs = Muster::Bench::Run::any_of($hot, '/GET/serverN.txt');
    beside('webdis behind nginx', 'hot by-name, 64 clients', $behind, $muster, $ours, clients => 64, most => 1, lua => $theirs);
    beside('webdis alone', '    without a front server', $peer, $muster, $ours, clients => 64, lua => $theirs);
    $behind->{process}->stop;
    $peer->{process}->stop;
    $server->stop;
    return;
}

1;
