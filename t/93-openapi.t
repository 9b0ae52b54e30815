#!/usr/bin/perl
# 93-openapi.t: the description of the interface: both versions are sound, its names are kept, it
# follows the configuration, and what is not as described is found.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Description;
use Muster::Front;
use Muster::Process qw(build_dir run slurp spew temp_dir which);
use Muster::Server;
use Muster::World;

my $world  = Muster::World->new;
my $client = $world->client;
my $J      = JSON::PP->new->utf8->canonical;

sub described { return $client->get('/__openapi__' . ($_[0] // ''))->{json} }

my %document = ('3.0.3' => described(), '3.1.0' => described('?version=3.1'));

# Each node of a tree with where it is.
sub walk {
    my ($node, $code, $at) = @_;
    $code->($node, $at // '#');
    if (ref $node eq 'HASH') { walk($node->{$_}, $code, "@{[ $at // '#' ]}/$_") for sort keys %$node }
    elsif (ref $node eq 'ARRAY') { walk($node->[$_], $code, "@{[ $at // '#' ]}/$_") for 0 .. $#$node }
    return;
}

# [ method, path, operation ], sorted.
sub operations {
    my ($document) = @_;
    my @found;
    for my $path (sort keys %{ $document->{paths} }) {
        my $item = $document->{paths}{$path};
        push @found, map { [ uc, $path, $item->{$_} ] } grep { $_ ne 'parameters' } sort keys %$item;
    }
    return @found;
}

for my $version (sort keys %document) {
    subtest "OpenAPI $version" => sub {
        my $document = $document{$version};
        is($document->{openapi}, $version, 'says so');
        is($document->{info}{version}, $client->get('/__version__')->{json}, 'the version is the server\'s');
        my (%used, %nullable);
        walk($document, sub {
            my ($node, $at) = @_;
            return if ref $node ne 'HASH';
            $used{ $node->{'$ref'} }++ if exists $node->{'$ref'};
            $nullable{$at}++ if exists $node->{nullable};
        });
        for my $ref (sort keys %used) {
            my ($kind, $name) = $ref =~ m{^#/components/(\w+)/([^/]+)$} or fail("$ref: of a strange form") or next;
            ok($document->{components}{$kind}{$name}, "$ref is there");
        }
        is(keys %nullable > 0, $version eq '3.0.3', 'nullable only in 3.0');
        my @types = map { ref $document->{components}{schemas}{Attribute}{properties}{$_}{type} || $document->{components}{schemas}{Attribute}{properties}{$_}{type} } qw(key number);
        is("@types", $version eq '3.1.0' ? 'string ARRAY' : 'string integer', 'null is a type in 3.1');
        for my $found (operations($document)) {
            my ($method, $path, $operation) = @$found;
            my @named = map { s{.*/}{}r } map { $_->{'$ref'} } @{ $document->{paths}{$path}{parameters} };
            is_deeply(\@named, [ $path =~ /\{(\w+)\}/g ], "$method $path: the parameters of the path");
            ok(length $operation->{summary} && keys %{ $operation->{responses} } > 5, "$method $path: summary and responses");
        }
    };
}

is($client->get("/__openapi__?version=$_")->{status}, 200, "version=$_") for qw(3.0 3.0.3 3.1 3.1.0);
is($client->get('/__openapi__?version=2.0')->{status}, 400, 'another version');
unlike($client->get('/__openapi__', headers => { 'Clusto-Minify' => 'true' })->{body}, qr/\n/, 'in one line');

# Clients are generated from these.
is_deeply([ map { join ' ', @$_[ 0, 1 ], $_->[2]{operationId} } operations($document{'3.0.3'}) ], [ map { s/ +/ /gr } split /\n/, <<'END' ], 'operations keep their names');
GET    /                                                 getRoot
HEAD   /                                                 headRoot
GET    /__doc__                                          getDoc
GET    /__doc__/{page}                                   getDocPage
GET    /__live__                                         getLive
GET    /__meta__                                         getMeta
GET    /__metrics__                                      getMetrics
GET    /__openapi__                                      getOpenapi
GET    /__ready__                                        getReady
GET    /__version__                                      getVersion
GET    /__whoami__                                       getWhoami
GET    /attribute/__doc__                                getAttributeDoc
DELETE /attribute/{name}                                 deleteAttributeName
GET    /attribute/{name}                                 getAttributeName
POST   /attribute/{name}                                 postAttributeName
DELETE /attribute/{name}/{key}                           deleteAttributeNameKey
GET    /attribute/{name}/{key}                           getAttributeNameKey
POST   /attribute/{name}/{key}                           postAttributeNameKey
PUT    /attribute/{name}/{key}                           putAttributeNameKey
DELETE /attribute/{name}/{key}/{subkey}                  deleteAttributeNameKeySubkey
GET    /attribute/{name}/{key}/{subkey}                  getAttributeNameKeySubkey
POST   /attribute/{name}/{key}/{subkey}                  postAttributeNameKeySubkey
PUT    /attribute/{name}/{key}/{subkey}                  putAttributeNameKeySubkey
DELETE /attribute/{name}/{key}/{subkey}/{number}         deleteAttributeNameKeySubkeyNumber
GET    /attribute/{name}/{key}/{subkey}/{number}         getAttributeNameKeySubkeyNumber
POST   /attribute/{name}/{key}/{subkey}/{number}         postAttributeNameKeySubkeyNumber
PUT    /attribute/{name}/{key}/{subkey}/{number}         putAttributeNameKeySubkeyNumber
GET    /bulk/__doc__                                     getBulkDoc
GET    /by-address/{address}                             getByAddressAddress
GET    /by-attr                                          getByAttr
GET    /by-name/{name}                                   getByNameName
GET    /by-names                                         getByNames
GET    /changes                                          getChanges
GET    /changes/__doc__                                  getChangesDoc
GET    /diff                                             getDiff
GET    /driverlist                                       getDriverlist
GET    /entity                                           getEntity
GET    /entity/__doc__                                   getEntityDoc
GET    /entity/{driver}                                  getEntityDriver
POST   /entity/{driver}                                  postEntityDriver
DELETE /entity/{driver}/{name}                           deleteEntityDriverName
GET    /entity/{driver}/{name}                           getEntityDriverName
POST   /entity/{driver}/{name}                           postEntityDriverName
GET    /entity/{driver}/{name}/contents                  getEntityDriverNameContents
GET    /entity/{driver}/{name}/parents                   getEntityDriverNameParents
GET    /entity/{driver}/{name}/ports                     getEntityDriverNamePorts
POST   /entity/{driver}/{name}/ports                     postEntityDriverNamePorts
GET    /entity/{driver}/{name}/references                getEntityDriverNameReferences
GET    /entity/{driver}/{name}/units                     getEntityDriverNameUnits
GET    /export                                           getExport
GET    /favicon.ico                                      getFaviconIco
GET    /from-pools                                       getFromPools
GET    /history                                          getHistory
GET    /history/__doc__                                  getHistoryDoc
POST   /import                                           postImport
DELETE /preferences                                      deletePreferences
GET    /preferences                                      getPreferences
POST   /preferences                                      postPreferences
GET    /preferences/__doc__                              getPreferencesDoc
DELETE /preferences/{container}                          deletePreferencesContainer
GET    /preferences/{container}                          getPreferencesContainer
PATCH  /preferences/{container}                          patchPreferencesContainer
POST   /preferences/{container}                          postPreferencesContainer
PUT    /preferences/{container}                          putPreferencesContainer
DELETE /preferences/{container}/{key}                    deletePreferencesContainerKey
GET    /preferences/{container}/{key}                    getPreferencesContainerKey
POST   /preferences/{container}/{key}                    postPreferencesContainerKey
GET    /query                                            getQuery
POST   /query                                            postQuery
GET    /query/__doc__                                    getQueryDoc
GET    /resource                                         getResource
GET    /resource/__doc__                                 getResourceDoc
GET    /resource/{driver}                                getResourceDriver
POST   /resource/{driver}                                postResourceDriver
DELETE /resource/{driver}/{name}                         deleteResourceDriverName
GET    /resource/{driver}/{name}                         getResourceDriverName
POST   /resource/{driver}/{name}                         postResourceDriverName
GET    /resource/{driver}/{name}/free                    getResourceDriverNameFree
GET    /resourcemanager                                  getResourcemanager
GET    /resourcemanager/__doc__                          getResourcemanagerDoc
GET    /resourcemanager/{driver}                         getResourcemanagerDriver
POST   /resourcemanager/{driver}                         postResourcemanagerDriver
DELETE /resourcemanager/{driver}/{name}                  deleteResourcemanagerDriverName
GET    /resourcemanager/{driver}/{name}                  getResourcemanagerDriverName
POST   /resourcemanager/{driver}/{name}                  postResourcemanagerDriverName
GET    /resourcemanager/{driver}/{name}/free             getResourcemanagerDriverNameFree
POST   /revert                                           postRevert
GET    /search                                           getSearch
GET    /targets                                          getTargets
POST   /transaction                                      postTransaction
GET    /transaction/__doc__                              getTransactionDoc
GET    /typelist                                         getTypelist
END

subtest 'forms of objects, and cursors' => sub {
    my $described = $document{'3.0.3'};
    my $headers   = sub { my ($path, $method) = @_; return join ' ', grep { /\bClusto-(?:Mode|Units)\b/ } map { ($_->{'$ref'} // '') =~ s{.*/}{}r } @{ $described->{paths}{$path}{$method}{parameters} } };
    is($headers->(@$_), 'Clusto-Mode Clusto-Units', "@$_: compact or expanded, and with units") for [ '/query', 'get' ], [ '/query', 'post' ], [ '/from-pools', 'get' ];
    is($headers->('/driverlist', 'get'), 'Clusto-Mode', 'drivers are expanded, too');
    is($headers->('/search', 'get'), '', 'what is searched has one form');
    my $answer = $described->{paths}{'/search'}{get}{responses}{200};
    ok($answer->{headers}{$_}, "/search: the header $_") for qw(Clusto-Next Link);
};

subtest 'waiting for changes' => sub {
    my $described = $document{'3.0.3'};
    my %headers   = map { ("$_->[0] $_->[1]" => join ' ', map { s{.*/}{}r } grep { m{/parameters/} } map { $_->{'$ref'} // '' } @{ $_->[2]{parameters} }) } operations($described);
    my @waits     = grep { $headers{$_} =~ /\bClusto-Wait\b/ } sort keys %headers;
    is("@waits", 'GET /changes GET /preferences', 'where one can wait');
    is(join(', ', grep { $headers{$_} =~ /\bLast-Event-ID\b/ } sort keys %headers), join(', ', @waits), 'and where a stream goes on');
    is($described->{components}{parameters}{'Clusto-Wait'}{schema}{maximum}, 50, 'how long');
    for my $path ('/changes', '/preferences') {
        my $answer = $described->{paths}{$path}{get}{responses}{200};
        is(join(' ', sort keys %{ $answer->{content} }), 'application/json text/event-stream', "$path: the media types");
        ok($answer->{headers}{$_}, "$path: the header $_") for qw(Clusto-Made Clusto-More Clusto-Next Link);
    }
    # A stream ends at once where nobody may wait.
    my $server = Muster::Server->new(postgres => $world->postgres, schema => 0, conf => { workers => 1, feed_waiters => 0 });
    my $front  = Muster::Front->new(server => $server);
    my $cursor = $client->get('/changes?since=now')->{headers}{'clusto-next'};
    $client->post('/entity/pool', form => { name => 'streamed' });
    my $stream = $front->client->get("/changes?since=$cursor", headers => { Accept => 'text/event-stream' });
    like($stream->{body}, qr/streamed/, 'a stream');
    is($stream->{headers}{'content-type'}, 'text/event-stream', 'of its type');
    my $description = Muster::Description->new($described);
    is(join('; ', $description->check($description->operation(GET => '/changes'), GET => $stream)), '', 'as described');
    $front->stop;
    $server->stop;
};

subtest 'mounts of the configuration' => sub {
    my $server = Muster::Server->new(postgres => $world->postgres, schema => 0, conf => { mounts => { entity => '/inv/things', attribute => '', resource => '' } });
    my $front  = Muster::Front->new(server => $server);
    my $moved  = $front->client->get('/__openapi__')->{json};
    my %id     = map { ("$_->[0] $_->[1]" => $_->[2]{operationId}) } operations($moved);
    is($id{'GET /inv/things/{driver}'}, 'getEntityDriver', 'moved, with the same name');
    is(join(' ', grep { m{ /(?:entity|attribute|resource)(?:/|$)} } sort keys %id), '', 'nothing is where it is not');
    is_deeply($J->decode($server->once(GET => '/__openapi__')->{out} =~ s/\A.*?\r?\n\r?\n//sr), $moved, 'the same by --once');
    $front->stop;
    $server->stop;
};

# A copy of the description with a fault in it, and what is found.
sub with_fault {
    my ($what, $like, $method, $path, $fault) = @_;
    my $document = $J->decode($J->encode($document{'3.0.3'}));
    my $answer   = $client->request($method, $path);
    my $check    = sub {
        my $description = Muster::Description->new($document);
        return $description->check($description->operation($method, $path), $method, $answer);
    };
    is(join('; ', $check->()), '', "$what: as described before");
    $fault->($document->{components}{schemas}, $document->{paths});
    like(join('; ', $check->()), $like, "$what: found");
    return;
}

subtest 'faults in the description are found' => sub {
    my $server1 = '/by-name/testserver1';
    with_fault('a missing value of an enum', qr/none of the enum/, GET => $server1, sub { $_[0]{Attribute}{properties}{datatype}{enum} = [qw(int relation)] });
    with_fault('a wrong type', qr/is string, not integer/, GET => $server1, sub { $_[0]{Attribute}{properties}{value} = { type => 'integer' } });
    with_fault('a value that may not be null', qr/is null, not integer/, GET => $server1, sub { delete $_[0]{Attribute}{properties}{number}{nullable} });
    with_fault('a member that is not described', qr/ips: is not described/, GET => $server1, sub { delete $_[0]{Object}{properties}{ips} });
    with_fault('a member that is missing', qr/units is missing/, GET => $server1, sub { push @{ $_[0]{Object}{required} }, 'units' });
    with_fault('a status that is missing', qr/status 404/, GET => '/by-name/nobody', sub { delete $_[1]{'/by-name/{name}'}{get}{responses}{404} });
    with_fault('a list that is an object', qr/is array, not object/, GET => '/entity', sub { $_[0]{Objects} = { type => 'object' } });
    with_fault('another media type', qr{type text/plain}, GET => '/__doc__', sub { delete $_[1]{'/__doc__'}{get}{responses}{200}{content}{'text/*'} });
};

# What the tests before this one did not see (Muster::Client notes it).
my %seen = map { $_ => 1 } split /\n/, slurp(build_dir() . '/t/described');
my (%operation_seen, @unseen);
$operation_seen{s/ .*//r}++ for keys %seen;
for my $found (operations($document{'3.0.3'})) {
    my ($method, $path, $operation) = @$found;
    my $id = $operation->{operationId};
    push @unseen, $operation_seen{$id} ? map { "$id $_" } grep { /^[24]/ && !/^(?:401|408|41[345])$/ && !$seen{"$id $_"} } sort keys %{ $operation->{responses} } : "$id at all";
}
diag('never seen: ' . join ', ', @unseen) if @unseen;

for my $tool ([ redocly => 'lint' ], [ spectral => 'lint', '--fail-severity', 'error' ]) {
    my ($name, @args) = @$tool;
    if (!which($name)) {
        note("$name is not installed: the description is not checked by it");
        next;
    }
    my $dir = temp_dir();
    spew("$dir/.spectral.yaml", qq(extends: ["spectral:oas"]\n));
    for my $version (sort keys %document) {
        my $file = spew("$dir/$version.json", $J->encode($document{$version}));
        my $result = run([ $name, @args, $file ], cwd => $dir, timeout => 120);
        is($result->{status}, 0, "$name finds no error in $version") or diag $result->{out}, $result->{err};
    }
}

$world->stop;
done_testing;
