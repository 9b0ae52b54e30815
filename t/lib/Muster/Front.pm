# Muster::Front: a front server for one test, from the samples in etc/ with other paths and ports.
package Muster::Front;
use v5.24;
use warnings;
use Carp qw(croak);
use Muster::Client ();
use Muster::Description ();
use Muster::Process qw(build_dir free_port http_up poll run slurp source_dir spew temp_dir which);

# Options:
#   kind       'nginx' (default), 'lighttpd', 'apache' or 'haproxy'
#   server     the Muster::Server that it passes requests to (or socket => path)
#   bin_path   1 (lighttpd): it starts the server's program itself; see Server's via => 'front'
#   workers    nginx's processes, default 1
#   keepalive  N (nginx): keeps N connections to muster per process, against the sample's advice
#   tls        1: also on another port, with a certificate made here
#   identity   'header' (default): X-User-Id of clients reaches muster, without a REMOTE_USER;
#              'sample': exactly as the sample is; 'basic': the sample's lines for basic auth in
#              force, user "alice", password "secret", and "bob" the same
#   cors       0: the sample's lines for other origins taken out
#   installed  1: included by the distribution's own file, as doc/install.rst says for Debian
#   default_site  1 (nginx, installed): with the site that Debian's package enables
#   ipv6       1 (nginx): also on [::1]
#   edit       sub that gets the text of the sample and gives back another
sub new {
    my ($class, %option) = @_;
    my $kind = $option{kind} // 'nginx';
    my $self = bless {
        workers  => 1,
        identity => 'header',
        cors     => 1,
        %option,
        kind => $kind,
        dir  => temp_dir(),
    }, $class;
    Muster::Description::begin($self->_described);
    $self->{socket} //= $self->{server} ? $self->{server}->socket : croak 'no server, no socket';
    $self->_certificate if $self->{tls};
    $self->_passwords   if $self->{identity} eq 'basic';
    # The port was free a moment ago; where somebody was faster, take another.
    for my $try (1 .. 5) {
        return $self if $self->start;
        croak "$kind did not start:\n" . $self->log if $try == 5 || $self->log !~ /in use/;
        unlink "$self->{dir}/error.log";
    }
}

sub port     { return $_[0]{port} }
sub tls_port { return $_[0]{tls_port} }
sub url      { return "http://127.0.0.1:$_[0]{port}" }
sub tls_url  { return "https://localhost:$_[0]{tls_port}" }
sub log      { return slurp("$_[0]{dir}/error.log") . slurp("$_[0]{dir}/out") }
sub ca_file  { return "$_[0]{dir}/cert.pem" }
sub dir      { return $_[0]{dir} }

# A client of this server; options as Muster::Client's.
sub client {
    my ($self, %option) = @_;
    return Muster::Client->new(port => $self->{port}, described => $self->_described, %option);
}

# Are its responses those of the description?
sub _described {
    my ($self) = @_;
    my $conf = $self->{server} && $self->{server}{conf};
    return $conf && !$conf->{mounts} && !$self->{server}{more};
}

sub start {
    my ($self) = @_;
    my $dir = $self->{dir};
    $self->{port}     = free_port();
    $self->{tls_port} = free_port() if $self->{tls};
    my $make = "_$self->{kind}";
    my $conf = spew("$dir/$self->{kind}.conf", $self->$make);
    my @nginx = ('-e', "$dir/error.log", '-p', $dir, '-c', $conf);
    my ($package, $check, $args, $signal) = @{ {
        nginx    => [ 'nginx',    [ '-t', '-q', @nginx ],     \@nginx,                                    'TERM' ],
        lighttpd => [ 'lighttpd', [ '-tt', '-f', $conf ],     [ '-D', '-f', $conf ],                       'INT' ],
        apache   => [ 'apache2',  [ '-t', '-f', $conf ],      [ '-DFOREGROUND', '-f', $conf ],             'TERM' ],
        haproxy  => [ 'haproxy',  [ '-c', '-q', '-f', $conf ], [ '-db', '-f', $conf ],                     'TERM' ],
    }->{ $self->{kind} } // croak "no front server is called $self->{kind}" };
    my $program = which($package) // croak "$package is missing (Debian: $package)";
    my $checked = run([ $program, @$check ]);
    croak "$self->{kind} refuses its configuration: $checked->{out}$checked->{err}" . slurp($conf)
        if $checked->{status} != 0;
    my $process = $self->{process} = Muster::Process->start([ $program, @$args ], out => "$dir/out", cwd => $dir);
    $process->{end_signal} = $signal;
    my $up = poll(20, sub { !$process->alive || http_up($self->{port}) });
    return $up && $process->alive ? $self : undef;
}

sub stop {
    my ($self) = @_;
    my $status = $self->{process}->stop($self->{process}{end_signal}, 20);
    # What lighttpd started ended with it, and its reports are in lighttpd's log.
    $self->{server}->check_end(undef) if $self->{bin_path} && $self->{server};
    return $status;
}

# Replaces text in a sample; that it is there exactly as often as expected is part of the test.
sub _put {
    my ($text, $from, $to, $times) = @_;
    my $n = 0 + ($$text =~ s/$from/ref $to ? $to->() : $to/ge);
    croak "etc sample: $from is there $n times" if $n != ($times // 1);
    return;
}

sub _nginx {
    my ($self) = @_;
    my $dir  = $self->{dir};
    my $text = slurp(source_dir() . '/etc/nginx.conf');
    _put(\$text, qr{server unix:/run/muster/muster\.sock;}m, "server unix:$self->{socket};");
    _put(\$text, qr{^ *listen \[::\]:.*\n}m, '', 2) unless $self->{ipv6};
    _put(\$text, qr{\[::\]:80;}m,         "[::1]:$self->{port};") if $self->{ipv6};
    _put(\$text, qr{^ *listen \[::\]:443.*\n}m, '') if $self->{ipv6};
    _put(\$text, qr{/usr/share/muster/www}m, build_dir() . '/share/www');
    _put(\$text, qr{listen 80;}m,      "listen 127.0.0.1:$self->{port};");
    _put(\$text, qr{server_name .*;}m, 'server_name localhost;') unless $self->{installed};
    _put(\$text, qr{/var/log/nginx/muster\.(\w+)\.log}m, sub { "$dir/$1.log" }, 2);
    if ($self->{tls}) {
        _put(\$text, qr{listen 443 ssl;}m,                    "listen 127.0.0.1:$self->{tls_port} ssl;");
        _put(\$text, qr{(?<=ssl_certificate     ).*(?=;)}m,     "$dir/cert.pem");
        _put(\$text, qr{(?<=ssl_certificate_key ).*(?=;)}m,     "$dir/key.pem");
    }
    else {
        _put(\$text, qr{^ *(listen 443 ssl|ssl_\w+ .*);\n}m, '', 5);
    }
    if ($self->{keepalive}) {
        _put(\$text, qr{^(upstream muster \{\n.*;\n)}m, sub { "$1    keepalive $self->{keepalive};\n" });
    }
    if ($self->{identity} eq 'header') {
        _put(\$text, qr{^ *fastcgi_param HTTP_X_USER_ID +"";\n}m, '');
    }
    elsif ($self->{identity} eq 'basic') {
        _put(\$text, qr{^ *fastcgi_param REMOTE_USER +"";\n}m, '');
        _put(\$text, qr{^ *#(?=auth_basic |auth_basic_user_file |fastcgi_param REMOTE_USER )}m, '', 5);
        _put(\$text, qr{/etc/muster/htpasswd}m, "$dir/htpasswd", 2);
    }
    if (!$self->{cors}) {
        _put(\$text, qr{^ *add_header Access-Control-.*\n}m, '', 8);
    }
    $text = $self->{edit}->($text) if $self->{edit};
    return $self->_installed_nginx($text) if $self->{installed};
    my $user  = $> == 0 ? 'user root;' : '';
    my $paths = join '', map { "    ${_}_temp_path $dir/$_;\n" } qw(client_body fastcgi proxy scgi uwsgi);
    return <<"CONF";
daemon off;
$user
worker_processes $self->{workers};
pid $dir/nginx.pid;
error_log $dir/error.log notice;
events { worker_connections 16384; }
http {
$paths
    keepalive_requests 100000;
$text
}
CONF
}

# Debian's file, which includes the sample; its paths are ours.
sub _installed_nginx {
    my ($self, $text) = @_;
    my $dir = $self->{dir};
    my $main = slurp('/etc/nginx/nginx.conf');
    mkdir "$dir/$_" for qw(conf.d sites-enabled);
    spew("$dir/conf.d/muster.conf", $text);
    spew("$dir/sites-enabled/default", slurp('/etc/nginx/sites-available/default') =~ s/\b80(?= default_server)/$self->{port}/gr =~ s/^\s*listen \[::\].*\n//mgr =~ s/listen (?=\d)/listen 127.0.0.1:/r)
        if $self->{default_site};
    my $paths = join '', map { "    ${_}_temp_path $dir/$_;\n" } qw(client_body fastcgi proxy scgi uwsgi);
    _put(\$main, qr{^user www-data;}m,                          $> == 0 ? 'user root;' : '');
    _put(\$main, qr{^pid /run/nginx\.pid;}m,                    "daemon off;\npid $dir/nginx.pid;");
    _put(\$main, qr{/var/log/nginx/(?:access|error)\.log}m,      "$dir/error.log", 2);
    _put(\$main, qr{/etc/nginx/(?=conf\.d|sites-enabled)}m,       "$dir/", 2);
    _put(\$main, qr{^http \{\n}m,                               "http {\n$paths");
    return $main;
}

sub _lighttpd {
    my ($self) = @_;
    my $dir  = $self->{dir};
    my $text = slurp(source_dir() . '/etc/lighttpd.conf');
    mkdir "$dir/empty";
    _put(\$text, qr{"/run/muster/muster\.sock"}m,            "\"$self->{socket}\"");
    _put(\$text, qr{(?<=^server\.port          = )80}m,      $self->{port});
    _put(\$text, qr{"0\.0\.0\.0"(?=\nserver)}m,              '"127.0.0.1"');
    _put(\$text, qr{"/run/lighttpd\.pid"}m,                  "\"$dir/lighttpd.pid\"");
    _put(\$text, qr{"/var/log/lighttpd/muster\.error\.log"}m, "\"$dir/error.log\"");
    _put(\$text, qr{"/usr/share/muster/www"}m,             '"' . build_dir() . '/share/www"');
    _put(\$text, qr{"/var/empty"}m,                          "\"$dir/empty\"");
    if ($self->{bin_path}) {
        my $command = $self->{server} ? join ' ', $self->{server}->command('-f') : croak 'bin_path needs a server';
        _put(\$text, qr{^    #(?="(?:bin-path|max-procs|bin-copy-environment)")}m, '    ', 3);
        _put(\$text, qr{"/usr/sbin/muster .*?"}m, "\"$command\"");
        _put(\$text, qr{"PATH" \)}m, '"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" )');
    }
    if ($self->{tls}) {
        _put(\$text, qr{^#(?=server\.modules \+= \( "mod_openssl|\$SERVER|    ssl\.|\}$)}m, '', 6);
        _put(\$text, qr{"0\.0\.0\.0:443"}m, "\"127.0.0.1:$self->{tls_port}\"");
        _put(\$text, qr{(?<=ssl\.pemfile = )".*"}m, "\"$dir/cert.pem\"");
        _put(\$text, qr{(?<=ssl\.privkey = )".*"}m, "\"$dir/key.pem\"");
    }
    if ($self->{identity} eq 'basic') {
        _put(\$text, qr{^#(?=server\.modules \+= \( "mod_auth|auth\.)}m, '', 4);
        _put(\$text, qr{/etc/muster/htpasswd}m, "$dir/htpasswd");
    }
    if (!$self->{cors}) {
        _put(\$text, qr{^\$REQUEST_HEADER\["Origin"\].*?^\}\n}ms, '');
    }
    $text = $self->{edit}->($text) if $self->{edit};
    return $self->{installed} ? $self->_installed_lighttpd($text) : $text;
}

# Debian's file, which includes the part of the sample that doc/install.rst says; its paths are ours.
sub _installed_lighttpd {
    my ($self, $text) = @_;
    my $dir = $self->{dir};
    my $main = slurp('/etc/lighttpd/lighttpd.conf');
    mkdir "$dir/conf-enabled";
    spew("$dir/conf-enabled/90-muster.conf", $text =~ s/\A.*?^(?=# --- muster ---$)//msr);
    _put(\$main, qr{^server\.port +=.*}m,              "server.port = $self->{port}\nserver.bind = \"127.0.0.1\"");
    _put(\$main, qr{/run/lighttpd\.pid}m,              "$dir/lighttpd.pid");
    _put(\$main, qr{/var/log/lighttpd/error\.log}m,    "$dir/error.log");
    _put(\$main, qr{/etc/lighttpd/(?=conf-enabled)}m,  "$dir/");
    _put(\$main, qr{^include_shell "\S+/use-ipv6\.pl.*}m, '');
    _put(\$main, qr{^server\.(?:username|groupname).*}m,  '', 2);
    return $main;
}

# The modules that the sample names, and those that Debian's package enables besides.
sub _apache {
    my ($self) = @_;
    my $dir  = $self->{dir};
    my $text = slurp(source_dir() . '/etc/apache.conf');
    my ($enabled) = $text =~ /^# +a2enmod (.*)/m or croak 'etc sample: no a2enmod';
    my @modules = ('mpm_event', 'authz_core', 'authn_core', 'filter', 'deflate', split ' ', $enabled);
    _put(\$text, qr{/run/muster/muster\.sock}m, $self->{socket}, 2);
    _put(\$text, qr{\*:80}m,                   "*:$self->{port}");
    _put(\$text, qr{/var/log/apache2/muster\.(\w+)\.log}m, sub { "$dir/$1.log" }, 2);
    _put(\$text, qr{^ *RequestHeader unset X-User-Id\n}m, '') if $self->{identity} eq 'header';
    if ($self->{identity} eq 'basic') {
        push @modules, 'auth_basic', 'authn_file', 'authz_user';
        _put(\$text, qr{^ *CGIPassAuth On\n}m,                           '');
        _put(\$text, qr{^ *#(?=AuthType|AuthName|AuthUserFile|Require )}m, '', 4);
        _put(\$text, qr{/etc/muster/htpasswd}m,                          "$dir/htpasswd");
    }
    $text = $self->{edit}->($text) if $self->{edit};
    my $load = join '', map { "LoadModule ${_}_module /usr/lib/apache2/modules/mod_$_.so\n" } @modules;
    my $user = $> == 0 ? "User nobody\nGroup nogroup" : '';
    return <<"CONF";
ServerName localhost
ServerRoot $dir
PidFile $dir/apache.pid
DefaultRuntimeDir $dir
Listen 127.0.0.1:$self->{port}
ErrorLog $dir/error.log
$load
$user
$text
CONF
}

sub _haproxy {
    my ($self) = @_;
    my $dir  = $self->{dir};
    my $text = slurp(source_dir() . '/etc/haproxy.cfg');
    _put(\$text, qr{/run/muster/muster\.sock}m, $self->{socket});
    _put(\$text, qr{bind :80$}m,               "bind 127.0.0.1:$self->{port}");
    _put(\$text, qr{^ *bind :::80.*\n}m,       '');
    _put(\$text, qr{^ *option httplog\n}m,     '');
    _put(\$text, qr{^ *http-request del-header .*\n}m, '') if $self->{identity} eq 'header';
    $text = $self->{edit}->($text) if $self->{edit};
    return "$text\n";
}

# A certificate for "localhost" that signs itself.
sub _certificate {
    my ($self) = @_;
    my $openssl = which('openssl') // croak 'openssl is missing (Debian: openssl)';
    my $made = run([
        $openssl, qw(req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost),
        '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
        '-keyout', "$self->{dir}/key.pem", '-out', "$self->{dir}/cert.pem",
    ]);
    croak "openssl: $made->{err}" if $made->{status} != 0;
    return;
}

sub _passwords {
    my ($self) = @_;
    my $hash = run([ which('openssl') // croak('openssl is missing'), 'passwd', '-apr1', 'secret' ])->{out};
    spew("$self->{dir}/htpasswd", "alice:${hash}bob:${hash}");
    return;
}

1;
