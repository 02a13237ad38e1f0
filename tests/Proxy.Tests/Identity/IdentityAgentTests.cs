using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Identity;

public sealed class IdentityAgentTests : IAsyncLifetime
{
    private AgentUnderTest _agent = null!;

    [Fact]
    public async Task It_enrolls_with_its_token_and_keeps_the_one_for_the_next_start()
    {
        EnrollRequest? asked = null;
        _agent.Host.On<EnrollRequest>("Enroll", request =>
        {
            asked = request;
            var answer = _agent.Certificate(request.Csr, bundleSequence: 1);
            answer.ReenrollmentToken = "for the next start";
            return answer;
        });

        _ = _agent.RunAgent();

        await _agent.Log.SaysAsync(5101, _agent.East.Web.ToString());
        Assert.Equal(File.ReadAllText(_agent.TokenFile), asked!.Token);
        Assert.Equal(1, _agent.Identity.Bundles.Bundle.Sequence);
        await Eventually.EqualAsync("for the next start", () => _agent.Folder.ReadToken(_agent.TokenFile));
    }

    [Fact]
    public async Task It_renews_with_a_new_key_before_its_certificate_ends()
    {
        _agent.Host.On<EnrollRequest>("Enroll", request => _agent.Certificate(request.Csr, bundleSequence: 1));
        _agent.Host.On<CertifyRequest>("Certify", request => _agent.Certificate(request.Csr, bundleSequence: 2));
        _ = _agent.RunAgent();
        await Eventually.EqualAsync(1L, () => _agent.Identity.Refreshes);
        var first = _agent.Identity.Credential!;

        await AdvanceUntilAsync(() => _agent.Identity.Refreshes == 2);

        Assert.True(_agent.Clock.GetUtcNow() < first.Svid.NotAfter);
        Assert.NotEqual(first.Svid.KeyHash, _agent.Identity.Credential!.Svid.KeyHash);
        Assert.Equal(2, _agent.Identity.Bundles.Bundle.Sequence);
    }

    [Fact]
    public async Task A_certificate_that_comes_with_an_older_bundle_than_the_watch_brought_is_used_none_the_less()
    {
        _agent.Host.On<EnrollRequest>("Enroll", request => _agent.Certificate(request.Csr, bundleSequence: 1));
        _agent.Host.On<CertifyRequest>("Certify", request =>
        {
            // The watch is faster.
            _agent.Identity.Accept(_agent.Bundle(9));
            return _agent.Certificate(request.Csr, bundleSequence: 5);
        });
        _ = _agent.RunAgent();
        await Eventually.EqualAsync(1L, () => _agent.Identity.Refreshes);

        await AdvanceUntilAsync(() => _agent.Identity.Refreshes == 2 || _agent.Log.Of(5102).Any());

        Assert.Empty(_agent.Log.Of(5102));
        Assert.Equal(9, _agent.Identity.Bundles.Bundle.Sequence);
    }

    [Fact]
    public async Task A_certificate_that_the_bundle_in_force_refuses_is_not_used()
    {
        _agent.Host.On<EnrollRequest>("Enroll", request =>
        {
            var answer = _agent.Certificate(request.Csr, bundleSequence: 1);
            answer.SignedBundle = _agent.Bundles.Sign(
                ImpostureCase.Revoke(_agent.East.Bundle with { Sequence = 2 }, _agent.East.WorkloadIssuer, "stolen")).Jws;
            return answer;
        });

        _ = _agent.RunAgent();

        await _agent.Log.SaysAsync(5102, "Enrollment failed", "does not verify", "stolen");
        Assert.Null(_agent.Identity.Credential);
    }

    [Fact]
    public async Task A_request_whose_answer_was_lost_is_repeated_to_the_letter()
    {
        var asked = new List<ByteString>();
        _agent.Host.On<EnrollRequest>("Enroll", request => _agent.Certificate(request.Csr, bundleSequence: 1));
        _agent.Host.On<CertifyRequest>("Certify", request =>
        {
            asked.Add(request.Csr);
            return asked.Count < 3 ? throw new RpcException(new Status(StatusCode.Unavailable, "lost")) : _agent.Certificate(request.Csr, bundleSequence: 2);
        });
        _ = _agent.RunAgent();
        await Eventually.EqualAsync(1L, () => _agent.Identity.Refreshes);

        await AdvanceUntilAsync(() => _agent.Identity.Refreshes == 2);

        Assert.Equal(3, asked.Count);
        Assert.Single(asked.Distinct());
    }

    [Fact]
    public async Task After_a_refusal_the_next_request_is_another()
    {
        var asked = new List<ByteString>();
        _agent.Host.On<EnrollRequest>("Enroll", request =>
        {
            asked.Add(request.Csr);
            return asked.Count < 2 ? throw new RpcException(new Status(StatusCode.InvalidArgument, "no")) : _agent.Certificate(request.Csr, bundleSequence: 1);
        });

        _ = _agent.RunAgent();

        await Eventually.ThatAsync(
            () =>
            {
                _agent.Clock.Advance(TimeSpan.FromSeconds(1));
                return _agent.Identity.Refreshes;
            },
            refreshes => refreshes == 1,
            "an enrollment");
        Assert.Equal(2, asked.Distinct().Count());
    }

    [Fact]
    public async Task A_bundle_that_voids_the_certificate_in_use_has_it_renewed_at_once_without_a_session()
    {
        _agent.Host.On<EnrollRequest>("Enroll", request => _agent.Certificate(request.Csr, bundleSequence: 1));
        RecoverRequest? asked = null;
        _agent.Host.On<RecoverRequest>("Recover", request =>
        {
            asked = request;
            return _agent.Certificate(request.Certify.Csr, bundleSequence: 1);
        });
        _ = _agent.RunAgent();
        await Eventually.EqualAsync(1L, () => _agent.Identity.Refreshes);
        var first = _agent.Identity.Credential!;

        _agent.Identity.Accept(_agent.Bundles.Sign(
            ImpostureCase.Revoke(_agent.East.Bundle with { Sequence = 2 }, _agent.East.WorkloadIssuer, "stolen")).Jws);

        // No clock has moved: nothing but the bundle can have caused it.
        await Eventually.ThatAsync(() => asked, request => request is not null, "a renewal");
        Assert.Equal(first.Svid.LeafDer.ToArray(), asked!.Leaf.ToByteArray());
        Assert.True(RenewalProof.Verify(asked.Leaf.Span, asked.Certify.Csr.Span, asked.Certify.Proof.Span));
    }

    [Fact]
    public async Task A_bundle_that_retires_the_anchor_of_the_certificate_in_use_has_it_renewed_within_a_tenth_of_its_life()
    {
        _agent.Host.On<EnrollRequest>("Enroll", request => _agent.Certificate(request.Csr, bundleSequence: 1));
        _agent.Host.On<CertifyRequest>("Certify", request => _agent.Certificate(request.Csr, bundleSequence: 1));
        _ = _agent.RunAgent();
        await Eventually.EqualAsync(1L, () => _agent.Identity.Refreshes);
        // The regular time is half an hour off.
        _agent.Clock.Advance(TimeSpan.FromMinutes(10));
        var heardAt = _agent.Clock.GetUtcNow();

        var bundle = _agent.East.Bundle;
        _agent.Identity.Accept(_agent.Bundles.Sign(
            bundle with { Sequence = 2, Anchors = [.. bundle.Anchors.Select(anchor => anchor with { Stage = AnchorStage.Retiring })] }).Jws);
        await AdvanceUntilAsync(() => _agent.Identity.Refreshes >= 2);

        Assert.InRange(_agent.Clock.GetUtcNow() - heardAt, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Assert.True(_agent.Identity.Credential!.Svid.NotBefore > heardAt - SvidProfile.Backdating - TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_server_that_is_no_ProxyHost_is_shown_no_token()
    {
        await using var impostor = await FakeProxyHost.StartAsync(_agent.East.Credential(_agent.East.Silo));
        var shown = 0;
        impostor.On<FetchBundleRequest>("FetchBundle", _ => new FetchBundleResponse { SignedBundle = _agent.Bundle(1) });
        impostor.On<EnrollRequest>("Enroll", request =>
        {
            shown++;
            return _agent.Certificate(request.Csr, bundleSequence: 1);
        });
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var token = JoinToken.Create(_agent.East.Web, _agent.Clock.GetUtcNow(), TimeSpan.FromHours(1), [_agent.East.Anchor.KeyHash], [impostor.Address]);
        await File.WriteAllTextAsync(_agent.TokenFile, token.Sign(key, "key-1"), TestContext.Current.CancellationToken);

        _ = _agent.RunAgent();

        await _agent.Log.SaysAsync(5102, "Enrollment failed", "a ProxyHost was expected");
        Assert.Equal(0, shown);
    }

    [Fact]
    public async Task A_call_under_way_does_not_make_a_fault_of_a_stop()
    {
        var asked = new TaskCompletionSource();
        _agent.Host.OnStream<EnrollRequest>("Enroll", async (_, _, aborted) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted);
        });
        var running = _agent.RunAgent();
        await asked.Task;

        await _agent.StopAsync();

        Assert.True(running.IsCompletedSuccessfully);
    }

    public async ValueTask InitializeAsync() => _agent = await AgentUnderTest.CreateAsync();

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    // A timer that is not set yet when the clock moves fires at the next move.
    private async Task AdvanceUntilAsync(Func<bool> condition) => await Eventually.ThatAsync(
        () =>
        {
            var holds = condition();
            if (!holds && _agent.Clock.GetUtcNow() < _agent.Identity.Credential!.Svid.NotAfter.AddMinutes(-5))
            {
                _agent.Clock.Advance(TimeSpan.FromMinutes(1));
            }

            return holds;
        },
        holds => holds,
        "a renewal");
}
