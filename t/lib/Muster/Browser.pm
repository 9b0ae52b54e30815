# Muster::Browser: a real browser for tests: Debian's chromium, spoken to by WebDriver (HTTP and JSON).
package Muster::Browser;
use v5.24;
use warnings;
use Carp qw(croak);
use HTTP::Tiny ();
use JSON::PP ();
use MIME::Base64 ();
use Muster::Process qw(free_port http_up poll slurp spew temp_dir which);

# Those that still run: a test that dies ends them, too, since chromium outlives its driver.
my %running;
my $owner = $$;

my $JSON    = JSON::PP->new->utf8->allow_nonref;
my $ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
my %KEYS    = (enter => "\x{E007}", escape => "\x{E00C}", tab => "\x{E004}", down => "\x{E015}", up => "\x{E013}");

sub missing { return join ' and ', grep { !which($_) } qw(chromium chromedriver) }

# Options: url, to which paths are added; size => [width, height]; dark => 1; headers => { of all requests }.
sub new {
    my ($class, %option) = @_;
    my $self = bless { url => $option{url}, dir => temp_dir() }, $class;
    my $port = free_port();
    $self->{driver} = Muster::Process->start([ which('chromedriver'), "--port=$port" ], out => "$self->{dir}/driver.log",
        env => { HOME => $self->{dir}, TMPDIR => $self->{dir} });
    $self->{http} = HTTP::Tiny->new(timeout => 60 * ($ENV{MUSTER_SLOW} // 1));
    $self->{base} = "http://127.0.0.1:$port";
    poll(30, sub { !$self->{driver}->alive || http_up($port) }) or croak "chromedriver does not start: " . slurp("$self->{dir}/driver.log");
    my ($width, $height) = @{ $option{size} // [ 1280, 800 ] };
    # As root and in containers there is no sandbox, and /dev/shm is small. What is shown is our own.
    my @args = ('--headless=new', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--force-device-scale-factor=1',
        "--window-size=$width,$height", "--user-data-dir=$self->{dir}/profile", '--no-sandbox',
        $option{dark} ? '--force-dark-mode' : ());
    my $made = $self->_call(POST => '/session', { capabilities => { alwaysMatch => {
        browserName => 'chrome', 'goog:chromeOptions' => { binary => which('chromium'), args => \@args }, 'goog:loggingPrefs' => { browser => 'ALL' },
    } } });
    $self->{base} .= "/session/$made->{sessionId}";
    $running{$self} = $self;
    $self->dark(1) if $option{dark};
    $self->headers(%{ $option{headers} }) if $option{headers};
    return $self;
}

# From now on paths are those of another server. The page that is shown ends first, with all that it waits for.
sub at {
    my ($self, $url) = @_;
    $self->_call(POST => '/url', { url => 'about:blank' });
    $self->{url} = $url;
    return $self;
}

sub dark {
    my ($self, $on) = @_;
    return $self->cdp('Emulation.setEmulatedMedia', features => [ { name => 'prefers-color-scheme', value => $on ? 'dark' : 'light' } ]);
}

# Headers of all requests.
sub headers {
    my ($self, %headers) = @_;
    $self->cdp('Network.enable');
    return $self->cdp('Network.setExtraHTTPHeaders', headers => \%headers);
}

sub _call {
    my ($self, $method, $path, $body) = @_;
    my $answer = $self->{http}->request($method, "$self->{base}$path", {
        headers => { 'Content-Type' => 'application/json' }, $method eq 'POST' ? (content => $JSON->encode($body // {})) : (),
    });
    my $json = eval { $JSON->decode($answer->{content}) };
    croak "$method $path: $answer->{status} " . substr $answer->{content}, 0, 600 if !$json || $answer->{status} != 200;
    return $json->{value};
}

sub go      { my ($self, $path) = @_; $self->_call(POST => '/url', { url => "$self->{url}$path" }); return $self }
sub address { return $_[0]->_call(GET => '/url') }
sub title   { return $_[0]->_call(GET => '/title') }
sub back    { $_[0]->_call(POST => '/back'); return }
sub reload  { $_[0]->_call(POST => '/refresh'); return }

# What a function body of JavaScript returns; arguments are its arguments.
sub js { my ($self, $script, @args) = @_; return $self->_call(POST => '/execute/sync', { script => $script, args => \@args }) }

# The same of one that calls its last argument.
sub wait_js { my ($self, $script, @args) = @_; return $self->_call(POST => '/execute/async', { script => $script, args => \@args }) }

sub cdp { my ($self, $command, %params) = @_; return $self->_call(POST => '/goog/cdp/execute', { cmd => $command, params => \%params }) }

# Asks until the script returns something true, or the time is up.
sub until_js { my ($self, $script, @args) = @_; return poll(20, sub { eval { $self->js($script, @args) } }) }

# Elements by a CSS selector.
sub all { my ($self, $css) = @_; return map { $_->{$ELEMENT} } @{ $self->_call(POST => '/elements', { using => 'css selector', value => $css }) } }

sub one {
    my ($self, $css) = @_;
    my $found = poll(20, sub { eval { ($self->all($css))[0] } }) or croak "nothing is \"$css\" at " . $self->address . ":\n" . ($self->text // '');
    return $found;
}

# The first link or button in main (or what within says) whose name is the text.
sub named {
    my ($self, $text, $within) = @_;
    return poll(20, sub { my $found = eval { $self->js(<<'JS', $text, $within // 'body') }; $found && $found->{$ELEMENT} }) || croak "nothing is called \"$text\" in:\n" . $self->text;
const [text, within] = arguments;
return [...document.querySelector(within).querySelectorAll('a, button, summary')].find(n => (n.getAttribute('aria-label') ?? n.textContent).trim() === text) ?? null;
JS
}

# Does something with an element, and once more with another where the page has put it in its place meanwhile.
sub _with {
    my ($self, $find, $path, $body) = @_;
    my $done = poll(20, sub { eval { $self->_call(POST => '/element/' . $find->() . $path, $body); 1 } || ($@ !~ /stale element|not interactable|intercepted/ && die $@) });
    croak $@ if !$done;
    return;
}

sub click { my ($self, $text, $within) = @_; return $self->_with(sub { $self->named($text, $within) }, '/click') }
sub press { my ($self, $css) = @_; return $self->_with(sub { $self->one($css) }, '/click') }

# Types into a field; what was there goes.
sub type {
    my ($self, $css, $text) = @_;
    $self->_with(sub { $self->one($css) }, '/clear');
    return $self->_with(sub { $self->one($css) }, '/value', { text => $text });
}

# Keys to whatever has the focus: characters, or one of enter, escape, tab, down, up.
sub keys {
    my ($self, @keys) = @_;
    return $self->_call(POST => '/actions', { actions => [ { type => 'key', id => 'keyboard', actions => [
        map { my $key = $KEYS{$_} // $_; ({ type => 'keyDown', value => $key }, { type => 'keyUp', value => $key }) } @keys ] } ] });
}

sub role  { my ($self, $css) = @_; return $self->_call(GET => '/element/' . $self->one($css) . '/computedrole') }
sub label { my ($self, $css) = @_; return $self->_call(GET => '/element/' . $self->one($css) . '/computedlabel') }

# The text that one sees; of one element if a selector is given.
sub text { my ($self, $css) = @_; return $self->js('return document.querySelector(arguments[0])?.innerText ?? null', $css // 'body') }

# What the console said since the last time, but for what scripts log on purpose.
sub console { return map { "$_->{level}: $_->{message}" } @{ $_[0]->_call(POST => '/se/log', { type => 'browser' }) } }

sub picture { my ($self, $file) = @_; return spew($file, MIME::Base64::decode($self->_call(GET => '/screenshot'))) }

sub stop {
    my ($self) = @_;
    delete $running{$self};
    eval { $self->_call(DELETE => '') } if $self->{driver}->alive;
    return $self->{driver}->stop('TERM', 20);
}

END {
    local ($?, $@);
    if ($$ == $owner) { $_->stop for values %running }
}

1;
