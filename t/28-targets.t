#!/usr/bin/perl
# 28-targets.t: GET /targets: what Prometheus reads as its service discovery by HTTP; with promtool and
# Prometheus itself, where they are installed (Debian: prometheus).
use v5.24;
use warnings;
use utf8;
use Encode ();
use JSON::PP ();
use Muster::Client;
use Muster::Process qw(free_port poll run spew temp_dir which);
use Muster::World;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $world  = Muster::World->new(data => 0, conf => { workers => 2 });
my $client = $world->client;

sub done { return $client->expect(@_) }
sub attr { my ($name, %form) = @_; return done("an attribute of $name", 201, POST => "/attribute/$name", form => \%form) }

done('servers', 201, POST => '/entity/basicserver', form => [ map { (name => $_) } qw(web1 web2 db1 bare) ]);
done('pools', 201, POST => '/entity/pool', form => [ map { (name => $_) } qw(production db web empty) ]);
done('a rack', 201, POST => '/entity/basicrack', form => { name => 'ams1-a01' });
done('a manager', 201, POST => '/resourcemanager/ipmanager', form => [ name => 'lan', baseip => '10.20.1.0', netmask => '24' ]);
for my $member ([ pool => 'production', qw(db web) ], [ pool => 'db', 'db1' ], [ pool => 'web', qw(web1 web2) ], [ basicrack => 'ams1-a01', 'web1' ]) {
    my ($driver, $container, @devices) = @$member;
    done("members of $container", 200, POST => "/entity/$driver/$container", form => [ action => 'insert', $driver eq 'basicrack' ? (rackU => 3) : (), map { (device => $_) } @devices ]);
}
done("the address of $$_[0]", 201, POST => '/resourcemanager/ipmanager/lan', form => { object => $$_[0], resource => $$_[1] }) for [ web1 => '10.20.1.3' ], [ web2 => '10.20.1.4' ], [ db1 => '10.20.1.5' ], [ web1 => '10.20.1.9' ];
attr('web1', key => 'owner', value => 'core');
attr('web1', key => 'mgmt', subkey => 'ip', value => '10.99.0.1');
attr('web2', key => 'a-b', subkey => 'c-d', value => "1 \"2\"\n\\3");
# Not every writer has our rules for keys.
$world->postgres->psql(Encode::encode('UTF-8', "update entity_attrs set key = 'größe a-b', subkey = 'c.d' where key = 'a-b'"));
attr('web2', key => 'tag', value => $_) for qw(one two);
attr('web2', key => 'mgmt', subkey => 'ip', value => 'fd00::2');
attr('web2', key => 'mgmt', subkey => 'name', value => 'web2.mgmt');
attr('db1', key => 'prometheus', subkey => $$_[0], value => $$_[1]) for [ port => 9187 ], [ path => '/probe' ], [ scheme => 'https' ];
attr('bare', key => 'prometheus', subkey => $$_[0], value => $$_[1]) for [ port => 99999 ], [ path => 'probe' ], [ scheme => 'gopher' ];
attr('bare', key => 'mgmt', subkey => 'ip', value => '');

sub targets { my (%query) = @_; return $client->get('/targets', query => \%query) }

# The targets in order, or what was said instead.
sub hosts {
    my $answer = targets(@_);
    return $answer->{status} == 200 ? join ' ', map { @{ $_->{targets} } } @{ $answer->{json} } : "$answer->{status} $answer->{json}";
}

sub labels { my ($name, @query) = @_; my ($group) = grep { $_->{labels}{__meta_muster_name} eq $name } @{ targets(@query)->{json} }; return $group->{labels} }

subtest 'addresses' => sub {
    is hosts(), '10.20.1.3:9100 10.20.1.4:9100 10.20.1.5:9187', 'the first of each object, and its own port';
    is hosts(port => 9256), '10.20.1.3:9256 10.20.1.4:9256 10.20.1.5:9187', 'another port';
    is hosts(address => 'ip'), hosts(), 'ip is the default';
    is hosts(address => 'name'), 'web1:9100 web2:9100 db1:9187 bare:9100', 'names of what can have addresses; a port that is none does not count';
    is hosts(address => 'mgmt.ip'), '10.99.0.1:9100 [fd00::2]:9100', 'an attribute; an empty one is none';
    is hosts(address => 'mgmt'), '10.99.0.1:9100 [fd00::2]:9100', '... with any subkey';
    is hosts(address => 'owner'), 'core:9100', '... without';
    is hosts(address => '"größe a-b"."c.d"', q => 'name = none'), '', 'quoted, as in a query';
    is hosts(address => 'none'), '', 'one that no object has';
};

subtest 'labels' => sub {
    my $web1 = labels('web1');
    is $web1->{__meta_muster_driver}, 'basicserver', 'driver';
    is $web1->{__meta_muster_type}, 'server', 'type';
    is $web1->{__meta_muster_in}, ',ams1-a01,web,', 'containers, sorted';
    is $web1->{__meta_muster_attr_owner}, 'core', 'an attribute';
    is $web1->{__meta_muster_attr_ip_ipstring}, '10.20.1.3,10.20.1.9', 'several values of one';
    is $web1->{__meta_muster_attr_ip_manager}, '/ipmanager/lan,/ipmanager/lan', 'a relation';
    ok !(grep { ref } values %$web1), 'all are texts';
    ok !(grep { !/^[a-zA-Z_][a-zA-Z0-9_]*$/ } keys %$web1), 'and so named that they are labels';
    my $web2 = labels('web2');
    is $web2->{__meta_muster_attr_gr__e_a_b_c_d}, "1 \"2\"\n\\3", 'each character that no label has becomes _';
    is $web2->{__meta_muster_attr_tag}, 'one,two', 'in the order of insertion';
    is_deeply [ @{ labels('db1') }{qw(__metrics_path__ __scheme__)} ], [ '/probe', 'https' ], 'path and scheme of an object';
    my $bare = labels('bare', address => 'name');
    ok !exists $bare->{__metrics_path__} && !exists $bare->{__scheme__}, 'those that Prometheus would not take are left out';
    is $bare->{__meta_muster_in}, '', 'in nothing';
    is $bare->{__meta_muster_attr_prometheus_port}, '99999', 'they are attributes as any';
};

subtest 'selection' => sub {
    is hosts(q => 'pool = db'), '10.20.1.5:9187', 'a query';
    is hosts(pool => 'web'), '10.20.1.3:9100 10.20.1.4:9100', 'a pool';
    is hosts(pool => 'production'), hosts(), 'and what is in it through others';
    is hosts(pool => [ 'web', 'db' ]), '', 'in both';
    is hosts(pool => [ 'web', 'production' ], q => 'rack exists', driver => [ 'basicserver', 'basicvirtualserver' ]), '10.20.1.3:9100', 'all of it';
    is hosts(driver => 'basicvirtualserver'), '', 'of another driver';
    is hosts(pool => 'empty', address => 'name'), '', 'an empty pool';
    is hosts(pool => 'none'), '404 none does not exist.', 'no such pool';
    is hosts(pool => 'web1'), '409 The object "web1" is not a pool', 'not a pool';
    is hosts(pool => ''), '400 The parameter "pool" is empty.', 'no name';
    is hosts(pool => [ map { "p$_" } 1 .. 65 ]), '400 At most 64 pools can be sent.', 'very many';
    is hosts(q => ''), '412 Provide a query as q', 'no query';
    like hosts(q => 'nam = x'), qr/^400 (?:line 1, )?column 1: /, 'a query that can not be read';
    is hosts(driver => 'none'), '412 The driver "none" is not a valid driver', 'no driver';
    like hosts(port => $_), qr/^400 "port" must be a number from 1 to 65535/, "port=$_" for 0, 65536, 'x';
    like hosts(address => $_), qr/^400 .* is no address/, "address=$_" for 'a:1', 'a b', '"';
    is targets(other => 1)->{status}, 400, 'an unknown parameter';
};

subtest 'tags, and the past' => sub {
    my $first = targets(pool => 'web');
    my $tag   = $first->{headers}{etag};
    ok $tag, 'there is a tag';
    is $client->get('/targets?pool=web', headers => { 'If-None-Match' => $tag })->{status}, 304, 'nothing was changed';
    my $version = $client->get('/targets', headers => { 'Clusto-As-Of' => 'now' })->{headers}{'clusto-as-of'};
    done('an address less', 204, DELETE => '/resourcemanager/ipmanager/lan?object=web2');
    is $client->get('/targets?pool=web', headers => { 'If-None-Match' => $tag })->{status}, 200, 'now it was';
    is hosts(pool => 'web'), '10.20.1.3:9100', 'what there is now';
    my $past = $client->get('/targets?pool=web', headers => { 'Clusto-As-Of' => $version });
    is_deeply $past->{json}, $first->{json}, 'what there was';
    done('the address again', 201, POST => '/resourcemanager/ipmanager/lan', form => { object => 'web2', resource => '10.20.1.4' });
};

sub prometheus_conf {
    my ($query) = @_;
    my $file = temp_dir() . '/prometheus.yml';
    my $url  = $world->front->url . "/targets$query";
    spew($file, <<"END");
global: {scrape_interval: 1h}
scrape_configs:
  - job_name: muster
    http_sd_configs:
      - url: '$url'
        refresh_interval: 1s
    relabel_configs:
      - {source_labels: [__meta_muster_name], target_label: instance}
      - {source_labels: [__meta_muster_attr_owner], target_label: owner}
      - {source_labels: [__meta_muster_in], regex: '.*,web,.*', target_label: role, replacement: web}
END
    return $file;
}

SKIP: {
    which('promtool') or skip 'promtool is not installed (Debian: prometheus)', 1;
    subtest 'promtool' => sub {
        my $result = run([ 'promtool', 'check', 'service-discovery', prometheus_conf(''), 'muster' ], timeout => 60);
        is $result->{status}, 0, 'it takes the answer' or return diag $result->{err};
        my $found = JSON::PP->new->utf8->decode($result->{out});
        is_deeply [ sort map { $_->{labels}{instance} } @$found ], [qw(db1 web1 web2)], 'all of it';
        my ($web2) = grep { $_->{labels}{instance} eq 'web2' } @$found;
        is $web2->{discoveredLabels}{__meta_muster_attr_gr__e_a_b_c_d}, "1 \"2\"\n\\3", 'labels as they were sent';
    };
}

# Which targets Prometheus has, by name.
sub discovered {
    my ($prometheus) = @_;
    my $answer = $prometheus->get('/api/v1/targets?state=active');
    return join ' ', sort map { "$_->{labels}{instance}=$_->{scrapeUrl}" } @{ $answer->{json}{data}{activeTargets} // [] };
}

SKIP: {
    which('prometheus') or skip 'prometheus is not installed (Debian: prometheus)', 1;
    subtest 'Prometheus, while the database goes and comes' => sub {
        my $port    = free_port();
        my $process = Muster::Process->start([ 'prometheus', '--config.file=' . prometheus_conf('?q=not+name+=+db1'), '--storage.tsdb.path=' . temp_dir() . '/data', "--web.listen-address=127.0.0.1:$port" ]);
        my $prometheus = Muster::Client->new(port => $port);
        my $wanted  = 'web1=http://10.20.1.3:9100/metrics web2=http://10.20.1.4:9100/metrics';
        my $sees    = sub { my ($targets) = @_; return poll(120, sub { (eval { discovered($prometheus) } // '') eq $targets }) };
        ok $sees->($wanted), 'its targets are those of the inventory';
        $world->postgres->stop;
        my $answer = targets();
        is $answer->{status}, 503, 'without the database: 503';
        isnt $answer->{body}, '[]', '... and no empty list';
        my $failures = sub { my ($n) = $prometheus->get('/metrics')->{body} =~ /^prometheus_sd_http_failures_total (\d+)/m; return $n // 0 };
        my $before = $failures->();
        ok poll(120, sub { $failures->() > $before + 1 }), 'Prometheus has asked again in the meantime';
        is discovered($prometheus), $wanted, 'and keeps the targets that it had';
        $world->postgres->start;
        ok poll(120, sub { targets()->{status} == 200 }), 'the database is back';
        done('an address more', 201, POST => '/resourcemanager/ipmanager/lan', form => { object => 'bare', resource => '10.20.1.77' });
        ok $sees->("bare=http://10.20.1.77:9100/metrics $wanted"), 'a new target is found';
        $process->stop;
    };
}

done_testing;
