# Muster::Grammar: random requests, valid and not, over a table of routes; rand() is the caller's to seed.
package Muster::Grammar;
use v5.24;
use warnings;
use utf8;
use Exporter 'import';
use Muster::Client qw(form_encode uri_encode);
use Muster::Json qw(encode pick random_key random_value);

our @EXPORT_OK = qw(first_requests random_request);

sub chance { return rand() < $_[0] }

# --- words: mostly of what exists, sometimes of what does not, now and then of what is invalid

my @hostile = (
    '', ' ', '.', '..', '../..', '/', '//', '%', '%00', '+', '&', '=', ';', '#', '?', '"', "'", '\\', "a\tb", "a\nb", "\r\nX: y", "\x{1}", "\x{7f}", "\x{85}", "\x{feff}", "\x{ffff}",
    "\x{202e}abc", "\x{1f600}", "\x{10ffff}", 'é' x 64, 'x' x 129, 'x' x 300, "'; drop table entities; --", '$(id)', '${x}', '<script>', '__proto__', 'null', 'true', '0', '-1', '1e9', '%s%n', '{}', '[]', '*', '_contains',
);

# Bytes that are no UTF-8, as they would stand in a query or a body.
my @broken = ('%FF', '%C0%80', '%ED%A0%80', '%F4%90%80%80', '%C3', '%80', '%00');

my @drivers = qw(
    entity device basicserver basicvirtualserver basicappliance basicconsoleserver basicnetworkswitch basicpowerstrip
    location basicdatacenter basiccage basiczone basicrack pool unique_pool exclusive_pool resourcemanager simplenamemanager
    simpleentitynamemanager ipmanager clustometa
);
my @managers = qw(resourcemanager simplenamemanager simpleentitynamemanager ipmanager);
my @types    = qw(generic server appliance pool rack location datacenter cage zone resourcemanager networkswitch powerstrip consoleserver clustometa);

# A name says its driver, so that requests often fit; there are few, so that they meet.
my %named = (
    pool => 'pool', uniq => 'unique_pool', excl => 'exclusive_pool', srv => 'basicserver', virt => 'basicvirtualserver', rack => 'basicrack', cage => 'basiccage', dc => 'basicdatacenter', zone => 'basiczone',
    res => 'resourcemanager', names => 'simplenamemanager', enames => 'simpleentitynamemanager', ips => 'ipmanager', sw => 'basicnetworkswitch',
);
my @stems = sort keys %named;

sub some_name {
    return pick(qw(testserver1 testserver2 singlepool multipool emptypool testnames)) if chance(0.15);
    return pick(@stems) . int rand 6;
}

# What this request is about: the name in its path, which others have to do with.
my $subject = '';

sub like_subject { return $subject =~ /^([a-z]+)[0-9]+\z/ && $named{$1} ? $1 . int rand 6 : some_name() }

sub driver_of {
    my ($name) = @_;
    my ($stem) = $name =~ /^([a-z]+)[0-9]+\z/ or return pick(@drivers);
    return $named{$stem} // pick(@drivers);
}

sub hostile { return pick(@hostile) }

sub mostly {
    my ($usual) = @_;
    return chance(0.94) ? $usual->() : hostile();
}

sub manager_name { return pick(qw(res names enames ips)) . int rand 6 }
sub pool_name    { return pick(qw(pool pool uniq excl)) . int rand 6 }
sub number       { return chance(0.8) ? int rand 5 : pick(-1, 2147483647, 2147483648, '9' x 30, '1.5', ' 7 ', '+3', 'x', '') }
sub page         { return chance(0.85) ? int rand 4 : pick(-1, 'x', '1' x 20, ' 2 ', '', '2147483647', '1.0') }
sub address      { return chance(0.8) ? '10.0.' . int(rand 3) . '.' . int rand 256 : pick('256.1.1.1', '10.0.0', '::1', '01.2.3.4', 4294967295, -1, '10.0.0.1/24', '') }
sub datetime     { return chance(0.7) ? sprintf('%04d-%02d-%02dT%02d:%02d:%02d.%d', 1900 + int rand 200, 1 + int rand 13, 1 + int rand 31, int rand 25, int rand 60, int rand 61, int rand 1000000) : pick('now', '2012', 'Jul 9 1991', '') }
sub key          { return chance(0.9) ? pick(qw(key1 k color ip _hidden owner name-2 simplename)) : pick('9key', 'a.b', 'x' x 257, '_contains', hostile()) }
sub subkey       { return chance(0.9) ? pick(qw(subkey1 s property manager)) : pick('', '-', 'x' x 257, hostile()) }

my %typed = (
    int      => \&number,
    string   => sub { 'v' . int rand 20 },
    datetime => \&datetime,
    relation => sub { my $name = some_name(); return '/' . driver_of($name) . "/$name" },
    json     => sub { my $json = encode(random_value(3)); utf8::decode($json); return $json },
);

# A value and a datatype that fit, or don't.
sub typed_value {
    return (value => value(), chance(0.3) ? (datatype => mostly(sub { pick(sort keys %typed) })) : ()) if chance(0.4);
    my $type = pick(sort keys %typed);
    return (datatype => $type, value => $typed{$type}->());
}

sub value {
    return pick(
        sub { 'v' . int rand 20 },
        sub { number() },
        sub { address() },
        sub { datetime() },
        sub { '/' . pick(@drivers) . '/' . some_name() },
        sub { my $name = some_name(); '/' . driver_of($name) . "/$name" },
        sub { my $json = encode(random_value(3)); utf8::decode($json); $json },
        \&hostile,
    )->();
}

# A version or a time; a cursor of changes.
sub version { return chance(0.8) ? int rand 200 : pick('now', 0, -1, 2147483647, '2026-11-26', '2999-01-01T00:00:00Z', 'x', '') }
sub point   { return chance(0.7) ? 'now' : pick('1-00000000', '1', '-', '9' x 30, hostile()) }
sub truth   { return pick(qw(0 1 true no off), '') }

# --- parameters of the routes: name => [how often, how many at most, value]

sub filters {
    my %filter = map { $_ => [ 0.1, 2, sub { mostly(\&some_name) } ] } qw(name names);
    $filter{$_} = [ 0.1, 2, sub { mostly(sub { pick(@drivers) }) } ] for qw(driver clusto_drivers);
    $filter{$_} = [ 0.1, 2, sub { mostly(sub { pick(@types) }) } ] for qw(type clusto_types);
    return %filter, cursor();
}

sub cursor { return (clusto_after => [ 0.1, 1, \&page ], clusto_per_page => [ 0.1, 1, \&page ]) }

my @check = (driver => [ 0.1, 1, sub { mostly(sub { pick(@drivers) }) } ]);

my @resource = (resource => [ 0.1, 1, sub { pick(address(), 'v' . int rand 20, hostile()) } ]);

my @attribute = (
    key => [ 0.3, 1, \&key ], subkey => [ 0.2, 1, \&subkey ], number => [ 0.2, 1, sub { chance(0.2) ? 'next' : number() } ], @resource,
    mask => [ 0.1, 1, sub { pick('%Y-%m-%dT%H:%M:%S.%f', '%Y', '%d.%m.%y', '%Q', '%', '%Y%Y', 'x' x 300, hostile()) } ], @check,
);

my @properties = (
    basename => [ 0.4, 1, sub { mostly(sub { pick(qw(host s n)) }) } ], digits => [ 0.3, 1, \&number ], next => [ 0.3, 1, \&number ], leadingZeros => [ 0.2, 1, sub { pick(0, 1, 'true', 'x') } ],
    baseip => [ 0.5, 1, \&address ], netmask => [ 0.5, 1, sub { pick('255.255.255.0', '/28', 30, '255.0.255.0', 33, hostile()) } ], gateway => [ 0.2, 1, \&address ],
);

my @page_of_history = (object => [ 0.3, 1, \&some_name ], id => [ 0.1, 1, \&version ], to => [ 0.2, 1, \&version ], limit => [ 0.2, 1, \&page ]);
my @feed = (since => [ 0.9, 1, \&point ], limit => [ 0.2, 1, \&page ]);

sub quoted { return q{'} . ($_[0] =~ s/(['\\])/\\$1/gr) . q{'} }

sub query {
    my $test = sub {
        return pick('attr ', 'not attr ') . quoted(mostly(\&key)) . pick(' exists', ' = ' . quoted(value()), ' ~ 1', ' < 5', ' in (1, x)', '') if chance(0.4);
        return pick('within', 'has', 'refers', 'directly within') . ' ' . quoted(mostly(\&some_name)) if chance(0.5);
        return pick('all', 'is ' . pick(@drivers), 'type = ' . quoted(pick(@types)), 'pool exists', 'rack ^ r', 'ip in 10.0.0.0/8', 'name like *1', 'name ~ ' . quoted(hostile()), hostile());
    };
    return join pick(' and ', ' or ', ' - '), map { $test->() } 0 .. int rand 4;
}

my %parameters = (
    'GET /history' => [ @page_of_history, user => [ 0.1, 1, \&hostile ], from => [ 0.2, 1, \&version ], before => [ 0.2, 1, \&version ], details => [ 0.5, 1, \&truth ] ],
    'GET /diff'    => [ @page_of_history, from => [ 0.95, 1, \&version ], after => [ 0.1, 1, \&page ] ],
    'POST /revert' => [ version => [ 0.6, 1, \&version ], object => [ 0.4, 1, \&some_name ], to => [ 0.4, 1, \&version ], dry_run => [ 0.3, 1, \&truth ] ],
    'GET /changes' => [ @feed, driver => [ 0.1, 2, sub { pick(@drivers) } ], object => [ 0.1, 2, \&some_name ], key => [ 0.1, 2, \&key ], pool => [ 0.1, 2, \&pool_name ], attrs => [ 0.2, 1, \&truth ] ],
    'GET /entity/{driver}/{name}/parents'    => [ ancestors => [ 0.5, 1, sub { pick(qw(0 1 true no off), '') } ], driver => [ 0.2, 2, sub { pick(@drivers) } ], type => [ 0.2, 2, sub { pick(@types) } ], cursor() ],
    'GET /entity/{driver}/{name}/references' => [ key => [ 0.4, 1, \&key ], subkey => [ 0.2, 1, \&subkey ], cursor() ],
    'GET /by-attr'                   => [ key => [ 0.95, 1, \&key ], subkey => [ 0.3, 1, \&subkey ], value => [ 0.5, 1, \&value ], cursor() ],
    'GET /by-name/{name}'            => [@check],
    'GET /by-names'                  => [ name => [ 0.95, 8, sub { mostly(\&some_name) } ] ],
    'GET /from-pools'                => [ pool => [ 0.97, 2, sub { mostly(sub { chance(0.85) ? 'pool' . int rand 6 : pick('multipool', pool_name()) }) } ], driver => [ 0.2, 2, sub { pick(@drivers) } ], type => [ 0.2, 2, sub { pick(@types) } ], children => [ 0.3, 1, sub { pick(qw(0 1 true no off), '') } ], cursor() ],
    (map { ("$_ /query" => [ q => [ 0.97, 1, \&query ], fields => [ 0.1, 1, sub { pick('name', 'path,ips', 'attr nic', 'name,', hostile()) } ], cursor() ]) } qw(GET POST)),
    'GET /targets'                   => [ q => [ 0.6, 1, \&query ], pool => [ 0.3, 2, sub { mostly(sub { 'pool' . int rand 6 }) } ], driver => [ 0.2, 2, sub { pick(@drivers) } ], port => [ 0.2, 1, \&number ], address => [ 0.4, 1, sub { pick('ip', 'name', 'nic', 'key1.subkey1', hostile()) } ] ],
    'GET /search'                    => [ q => [ 0.97, 1, sub { chance(0.5) ? some_name() : value() } ], after => [ 0.1, 1, \&page ] ],
    'GET /export'                    => [ q => [ 0.6, 1, \&query ], driver => [ 0.3, 2, sub { pick(@drivers) } ] ],
    'POST /import'                   => [ mode => [ 0.5, 1, sub { mostly(sub { pick(qw(create update replace)) }) } ], dry_run => [ 0.3, 1, \&truth ], progress => [ 0.2, 1, \&truth ] ],
    'GET /entity/'                   => [ filters() ],
    'GET /entity/{driver}'           => [ filters() ],
    'POST /entity/{driver}'          => [ name => [ 0.97, 6, sub { mostly(\&like_subject) } ] ],
    'POST /entity/{driver}/{name}'   => [ action => [ 0.97, 1, sub { mostly(sub { pick(qw(insert insert insert remove move rename driver)) }) } ], to => [ 0.1, 1, sub { chance(0.5) ? pick(@drivers) : some_name() } ], device => [ 0.9, 4, sub { mostly(\&some_name) } ], rackU => [ 0.3, 3, \&number ] ],
    'POST /entity/{driver}/{name}/ports' => [ action => [ 0.97, 1, sub { mostly(sub { pick(qw(connect connect disconnect)) }) } ], type => [ 0.97, 1, sub { mostly(sub { pick(qw(nic-eth nic-eth pwr-nema-5 console-serial)) }) } ],
        number => [ 0.97, 1, sub { 1 + int rand 2 } ], to => [ 0.8, 1, sub { mostly(sub { 'srv' . int rand 6 }) } ], to_number => [ 0.8, 1, sub { 1 + int rand 2 } ] ],
    'GET /attribute/{name}/{key}/{subkey}/{number}'    => [ @check, @resource ],
    'POST /attribute/{name}/{key}/{subkey}/{number}'   => [@attribute],
    'PUT /attribute/{name}/{key}/{subkey}/{number}'    => [@attribute],
    'DELETE /attribute/{name}/{key}/{subkey}/{number}' => [ @check, @resource, value => [ 0.2, 1, \&value ], datatype => [ 0.05, 1, sub { mostly(sub { pick(sort keys %typed) }) } ] ],
    'POST /resourcemanager/{driver}'          => [ name => [ 0.97, 1, sub { mostly(\&like_subject) } ], @properties ],
    'POST /resourcemanager/{driver}/{name}'   => [ object => [ 0.7, 1, sub { mostly(\&some_name) } ], driver => [ 0.4, 1, sub { pick(@drivers) } ], resource => [ 0.3, 1, sub { pick(address(), 'host' . int rand 30, 's0' . int rand 10, number(), hostile()) } ] ],
    'DELETE /resourcemanager/{driver}/{name}' => [ object => [ 0.95, 1, sub { mostly(\&some_name) } ], resource => [ 0.3, 1, sub { pick(address(), 'host' . int rand 30, hostile()) } ] ],
    'GET /preferences/'              => [ contains => [ 0.3, 1, sub { my $json = encode(random_value(2)); utf8::decode($json); $json } ], changes => [ 0.1, 1, sub { '' } ], since => [ 0.1, 1, \&point ] ],
    'GET /preferences/{container}/{key}/...' => [ pointer => [ 0.2, 1, \&pointer ] ],
    'POST /preferences/{container}/{key}/...' => [ pointer => [ 0.1, 1, \&pointer ] ],
    'DELETE /preferences/{container}/{key}/...' => [ pointer => [ 0.1, 1, \&pointer ] ],
);

sub pointer { return join '', map { '/' . (chance(0.9) ? random_key() =~ s/~/~0/gr =~ s{/}{~1}gr : pick(0, '-', '~', '~2')) } 1 .. int rand 4 }

# name=value pairs as a list.
sub parameters {
    my ($doc) = @_;
    my @wanted = @{ $parameters{$doc} // [] };
    my @pairs;
    while (my ($name, $how) = splice @wanted, 0, 2) {
        my ($often, $most, $value) = @$how;
        next unless chance($often);
        push @pairs, $name, $value->() for 1 .. 1 + int rand $most;
    }
    push @pairs, typed_value() if $doc =~ m{^(?:POST|PUT) /attribute} && chance(0.95);
    push @pairs, pick(hostile(), 'unknown', uc($pairs[0] // 'x')), value() if chance(0.03);
    return @pairs;
}

# --- paths

# What may stand between two slashes; a dot segment would never arrive as one.
sub segment {
    my ($text) = @_;
    return pick(@broken, '%zz', '%2e%2E', '..', 'a%2F..%2Fb') if chance(0.01);
    return uri_encode($text);
}

my %words = (
    driver    => sub {
        my ($name, $route) = @_;
        # Everything is an entity: what was made with an odd driver is deleted again.
        return 'entity' if $route->{method} eq 'DELETE' && $route->{mount} eq 'entity' && chance(0.5);
        return driver_of($name) if chance($route->{pattern} eq '{driver}' && $route->{method} eq 'POST' ? 0.98 : 0.9);
        return mostly(sub { pick($route->{mount} eq 'resourcemanager' ? @managers : @drivers) });
    },
    name      => sub { return $_[0] },
    key       => sub { return mostly(\&key) },
    subkey    => sub { return mostly(\&subkey) },
    number    => sub { return number() },
    address   => sub { return address() },
    page      => sub { return mostly(sub { pick(qw(tutorial install recipes page)) }) },
    container => sub { return mostly(sub { pick(qw(a b settings), 'with space', 'é') }) },
);

sub path {
    my ($route) = @_;
    my $mount = $route->{mount};
    my $usual = $mount eq 'resourcemanager' ? \&manager_name : \&some_name;
    # Most things can't hold others.
    $usual = chance(0.6) ? \&pool_name : sub { pick(qw(rack cage dc zone)) . int rand 6 } if $route->{doc} eq 'POST /entity/{driver}/{name}' && chance(0.8);
    $usual = sub { 'srv' . int rand 6 } if $route->{doc} =~ /ports\z/ && chance(0.8);
    my $name = $subject = mostly($usual);
    my @path  = $mount eq 'root' ? () : $mount eq 'resourcemanager' ? pick(qw(resource resourcemanager)) : $mount;
    for my $word (split m{/}, $route->{pattern}) {
        my ($kind, $mark) = $word =~ /^\{(\w+)([?*]?)\}$/ or do { push @path, $word; next };
        last if $mark eq '?' && chance(0.4);
        if ($mark eq '*') { push @path, map { segment(random_key()) } 1 .. pick(0, 0, 1, 1, 1, 2, chance(0.2) ? int rand 80 : 1) }
        else              { push @path, segment($words{$kind}->($name, $route)) }
    }
    push @path, '' if @path == 1 && $route->{pattern} eq '' || chance(0.03);
    push @path, segment(hostile()) if chance(0.01);
    return '/' . join '/', @path;
}

# --- bodies

sub json_attribute {
    my %attribute;
    my @wanted = @attribute;
    while (my ($name, $how) = splice @wanted, 0, 2) {
        next unless chance($how->[0]);
        $attribute{$name} = $name eq 'number' && chance(0.8) ? [ n => int rand 5 ] : [ s => $how->[2]->() ];
    }
    my %typed = typed_value();
    if (chance(0.5))     { $attribute{value} = random_value(3) }
    elsif (chance(0.97)) { $attribute{$_} = [ s => $typed{$_} ] for keys %typed }
    $attribute{key} //= [ s => key() ] if chance(0.7);
    $attribute{ random_key() } = random_value(1) if chance(0.02);
    return [ o => \%attribute ];
}

sub patch {
    return [
        a => [
            map {
                my %operation = (op => [ s => mostly(sub { pick(qw(add remove replace move copy test)) }) ], path => [ s => pointer() ]);
                $operation{from}  = [ s => pointer() ] if chance(0.4);
                $operation{value} = random_value(2)    if chance(0.7);
                [ o => \%operation ]
            } 1 .. 1 + int rand 4
        ]
    ];
}

# Cut, or with bytes changed.
sub damaged {
    my ($bytes) = @_;
    return $bytes if !length $bytes || chance(0.95);
    return substr $bytes, 0, int rand length $bytes if chance(0.5);
    substr($bytes, int rand length $bytes, 1) = chr int rand 256;
    return $bytes;
}

sub multipart {
    my (@pairs) = @_;
    my $boundary = 'b' . int rand 1e6;
    my $body     = '';
    while (my ($name, $value) = splice @pairs, 0, 2) {
        my $quoted = $name =~ s/([\\"])/\\$1/gr =~ s/[\r\n]/ /gr;
        $body .= qq(--$boundary\r\nContent-Disposition: form-data; name="$quoted"\r\n\r\n$value\r\n);
    }
    utf8::encode($body);
    return ("$body--$boundary--\r\n", "multipart/form-data; boundary=$boundary");
}

# Query, body and type for these parameters.
sub place {
    my (@pairs) = @_;
    my @query;
    @query = splice @pairs, 0, 2 * int(rand 1 + @pairs / 2) if @pairs && chance(0.5);
    my $query = form_encode(\@query);
    $query .= '&x=' . pick(@broken) if chance(0.01);
    return ($query) if !@pairs;
    return ($query, multipart(@pairs)) if chance(0.15);
    return ($query, form_encode(\@pairs), chance(0.1) ? undef : 'application/x-www-form-urlencoded');
}

sub body {
    my ($route) = @_;
    my ($method, $mount) = @$route{qw(method mount)};
    return place(parameters($route->{doc})) if $mount ne 'preferences' && !($mount eq 'attribute' && $method =~ /^P/ && chance(0.4));
    return ('', encode(chance(0.6) ? json_attribute() : [ a => [ map { json_attribute() } 1 .. int rand 4 ] ], random => 1), 'application/json') if $mount eq 'attribute';
    my $query = form_encode([ parameters($route->{doc}) ]);
    return ($query) if $method =~ /^(?:GET|DELETE)$/ && chance(0.97);
    return ($query, encode(patch(), random => 1), 'application/json-patch+json') if $method eq 'PATCH' && chance(0.5);
    my $value = chance(0.8) ? [ o => { map { random_key() => random_value(3) } 1 .. int rand 4 } ] : random_value(4);
    return ($query, encode($value, random => 1), $method eq 'PATCH' && chance(0.95) ? 'application/merge-patch+json' : 'application/json');
}

# --- transactions

# Parameters as the members of an object.
sub members {
    my (@pairs) = @_;
    my %members;
    while (my ($name, $value) = splice @pairs, 0, 2) { push @{ $members{$name} }, chance(0.03) ? random_value(1) : [ s => $value ] }
    return [ o => { map { ($_ => @{ $members{$_} } > 1 || chance(0.1) ? [ a => $members{$_} ] : $members{$_}[0]) } keys %members } ];
}

sub reference { return pick('${0}', '${0}', '${1}', '${0#/name}', '${1#/0}', '${2#/0/value}', '$${0}', '${', '${9}', '${0#x}', hostile()) }

sub operation {
    my ($route) = @_;
    my $path  = path($route) =~ s/([^\x20-\x7e])/sprintf '%%%02X', ord $1/ger;
    my $usual = [ o => { method => [ s => $route->{method} ], path => [ s => $path ] } ];
    my $o     = $usual->[1];
    $o->{path}[1] =~ s{/[^/]*\z}{ '/' . reference() }e if chance(0.1);
    if ($route->{mount} eq 'attribute' && $route->{method} =~ /^P/ && chance(0.4)) { $o->{body} = chance(0.6) ? json_attribute() : [ a => [ map { json_attribute() } 1 .. int rand 4 ] ] }
    elsif (my @pairs = parameters($route->{doc})) {
        $pairs[ 1 + 2 * int rand @pairs / 2 ] = reference() if chance(0.1);
        $o->{ chance(0.9) ? 'params' : 'body' } = members(@pairs);
    }
    $o->{if_match}    = [ s => tag() ] if chance(0.02);
    $o->{description} = [ s => hostile() ] if chance(0.05);
    $o->{ random_key() } = random_value(1) if chance(0.01);
    return $usual;
}

# Most are of one or two: all of them have to be good.
sub transaction {
    my (@routes) = @_;
    my @good = grep { $_->{mount} =~ /^(?:entity|attribute|resourcemanager)$/ || $_->{pattern} =~ /^(?:by-|from-pools|query|revert)/ } @routes;
    return encode([ a => [ map { operation(pick(chance(0.97) ? @good : @routes)) } 1 .. pick(0, 1, 1, 2, 2, 3, int rand 8) ] ], random => 1);
}

# --- imports

sub import_line {
    my %o = (name => [ s => some_name() ]);
    $o{driver} = [ s => pick(@drivers) ] if chance(0.8);
    $o{attrs}  = [ a => [ map { json_attribute() } 1 .. int rand 3 ] ] if chance(0.6);
    $o{in}     = [ a => [ map { [ o => { name => [ s => chance(0.7) ? pool_name() : some_name() ] } ] } 1 .. int rand 3 ] ] if chance(0.4);
    $o{ random_key() } = random_value(1) if chance(0.02);
    return encode([ o => \%o ]) =~ s/\n/ /gr . "\n";
}

sub import_body {
    return (join('', map { import_line() } 1 .. pick(0, 1, 1, 2, int rand 10)), 'application/x-ndjson') if chance(0.7);
    my @cells = map { join ',', map { s/"/""/gr =~ s/(.*)/"$1"/sr } some_name(), pick(@drivers), value(), pick('', '-', pool_name()) } 1 .. int rand 5;
    my $csv = join "\n", 'name,driver,' . key() . ',in', @cells;
    utf8::encode($csv);
    return ($csv, 'text/csv');
}

# --- headers

sub tag { return pick('*', '"1"', 'W/"2"', '"' . int(rand 50) . '", "x"', '"', 'x', '') }

# A user who deletes all documents seldom has any.
sub user {
    my ($route) = @_;
    return $route->{doc} eq 'DELETE /preferences/' && chance(0.9) ? 'bob' : pick(qw(ann ann bob), 'é', chance(0.1) ? hostile() : 'ann');
}

sub headers {
    my ($route) = @_;
    my @headers;
    push @headers, 'Clusto-Mode'        => pick(qw(compact expanded expanded), chance(0.1) ? hostile() : 'compact') if chance(0.35);
    push @headers, 'Clusto-Minify'      => pick(qw(true True false 1), '') if chance(0.4);
    push @headers, 'Clusto-Page'        => page() if chance(0.1);
    push @headers, 'Clusto-Per-Page'    => page() if chance(0.1);
    push @headers, 'Clusto-After'       => page() if chance(0.05);
    push @headers, 'Clusto-Units'       => pick(qw(true false True), hostile()) if chance(0.05);
    push @headers, 'Clusto-As-Of'       => version() if chance(0.05);
    push @headers, 'Clusto-Dry-Run'     => pick(qw(true false True), hostile()) if chance(0.05);
    push @headers, 'Clusto-Diff'        => pick(qw(true false True), hostile()) if chance(0.05);
    push @headers, 'Clusto-Wait'        => pick(0, 1, 51, 'x') if chance(0.02);
    push @headers, 'Idempotency-Key'    => chance(0.8) ? 'key' . int rand 20 : hostile() if chance(0.03);
    push @headers, 'Clusto-Description' => hostile() if chance(0.05);
    push @headers, 'X-User-Id'          => user($route) if $route->{mount} eq 'preferences' && chance(0.97);
    push @headers, 'If-Match'           => tag() if chance($route->{mount} eq 'preferences' ? 0.1 : 0.01);
    push @headers, 'If-None-Match'      => tag() if chance($route->{mount} eq 'preferences' ? 0.2 : 0.01);
    push @headers, Accept               => pick('text/plain', 'text/html', '*/*', 'application/json', 'application/x-ndjson', hostile()) if chance(0.1);
    push @headers, 'X-Request-Id'       => pick('r' . int rand 1000, hostile()) if chance(0.1);
    push @headers, Origin               => pick('http://localhost', 'null', hostile()) if chance(0.05);
    push @headers, Authorization        => pick('Bearer mst_x', 'Bearer', 'Basic eDp5', hostile()) if chance(0.01);
    for my $i (grep { $_ % 2 } 0 .. $#headers) {
        utf8::encode($headers[$i]);
        $headers[$i] =~ s/[\r\n\0]+/ /g; # more would be another request
    }
    return @headers;
}

# --- all of it

my @methods = qw(GET HEAD POST PUT PATCH DELETE OPTIONS);

# What the other requests are about, made first: method, path and form of each.
sub first_requests {
    my @first;
    for my $stem (@stems) {
        my $mount = grep({ $named{$stem} eq $_ } @managers) ? 'resourcemanager' : 'entity';
        my @more = $stem eq 'ips' ? (baseip => '10.0.0.0', netmask => '255.255.255.0') : $stem =~ /names$/ ? (basename => 'host', digits => 4) : ();
        push @first, map { [ POST => "/$mount/$named{$stem}", [ name => "$stem$_", @more ] ] } 0 .. 5;
    }
    return @first;
}

# One of the routes (hashes of method, mount, pattern, doc) as { route, method, path (with query),
# headers (pairs), body, type }, all bytes.
sub random_request {
    my (@routes) = @_;
    my $route  = pick(@routes);
    # What takes no parameters is soon told.
    $route = pick(@routes) if !$parameters{ $route->{doc} } && $route->{pattern} !~ /\{|^transaction$/ && chance(0.8);
    my $method = $route->{method};
    $method = 'HEAD' if $method eq 'GET' && chance(0.05);
    $method = pick(@methods, 'TRACE', 'FOO', 'get', 'PROPFIND') if chance(0.03);
    my $path = path($route);
    my ($query, $body, $type) = body($route);
    ($body, $type) = (transaction(@routes), 'application/json') if $route->{pattern} eq 'transaction';
    if ($route->{pattern} eq 'import') {
        $query = $body if defined $body && ($type // '') =~ /urlencoded/;
        ($body, $type) = import_body();
    }
    $path .= "?$query" if length $query;
    $type = pick('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', "x/\x{ff}") if defined $type && chance(0.02);
    # Front servers want a length where there could be a body.
    $body //= '' if $method !~ /^(?:GET|HEAD|OPTIONS|TRACE)$/;
    return { route => $route, method => $method, path => $path, headers => [ headers($route) ], body => defined $body ? damaged($body) : undef, type => $type };
}

1;
