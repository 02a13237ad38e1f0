using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Keys;
using Mesh.Grains.Ledger;
using Mesh.Spiffe;

namespace Mesh.Silo.Admin;

/// <summary>Trust commands: rotation, revocation, and the proof that they have arrived.</summary>
internal sealed partial class AdminService
{
    private const int NamedInRefusal = 5;

    public override Task<TrustDomain> RevokeIssuer(RevokeIssuerRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.RevokeIssuerAsync(Checked(() => KeyHash.Parse(request.KeyHash)), request.Reason, request.WithoutSuccessor));

    public override Task<TrustDomain> RotateIssuer(RotateIssuerRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.RotateIssuerAsync(request.Purpose));

    public override Task<TrustDomain> StartAnchorRotation(StartAnchorRotationRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.StartAnchorRotationAsync(OneCertificate(request.Certificate), request.UseStandby));

    public override Task<TrustDomain> InstallCertificates(InstallCertificatesRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.InstallCertificatesAsync(AdminMessages.Certificates(request.Pem)));

    public override async Task<TrustDomain> ActivateAnchor(ActivateAnchorRequest request, ServerCallContext context)
    {
        if (!request.Force)
        {
            await CheckKnownAsync("prepared", "cut off once the new anchor signs", context.CancellationToken);
        }

        return await CommandAsync(trust => trust.ActivateAnchorAsync());
    }

    public override async Task<TrustDomain> RetireAnchor(RetireAnchorRequest request, ServerCallContext context)
    {
        if (!request.Force)
        {
            await CheckKnownAsync("retiring", "cut off once the old anchor is gone", context.CancellationToken);
        }

        return await CommandAsync(trust => trust.RetireAnchorAsync());
    }

    public override Task<TrustDomain> AbortAnchorRotation(AbortAnchorRotationRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.AbortAnchorRotationAsync());

    public override Task<TrustDomain> RevokeAnchor(RevokeAnchorRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.RevokeAnchorAsync(Checked(() => KeyHash.Parse(request.KeyHash)), request.Reason));

    public override Task<TrustDomain> InstallStandby(InstallStandbyRequest request, ServerCallContext context) =>
        CommandAsync(trust => trust.InstallStandbyAsync(OneCertificate(request.Certificate)));

    // The key goes from the socket into the store, sealed, and to no other silo: what travels on is its hash.
    public override async Task<TrustDomain> ImportAnchorKey(ImportAnchorKeyRequest request, ServerCallContext context)
    {
        if (context.GetHttpContext().User.Identity?.Name != AdminAuthentication.UnixSocket)
        {
            throw new MeshException(MeshError.NotPermitted, "An anchor's key is taken on a silo's own machine alone, over its unix socket.");
        }

        using var key = AnchorKey.Read(request.PrivateKey);
        var hash = KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo());
        var anchor = (await TrustDomain.GetStatusAsync()).Anchors.FirstOrDefault(anchor => anchor.KeyHash == hash);
        if (anchor is not { Stage: "standby" or "prepared" })
        {
            throw new MeshException(
                MeshError.Conflict,
                anchor is null
                    ? $"No anchor of this trust domain has that key ({hash})."
                    : $"That is the key of the {anchor.Stage} anchor. It is a standby or prepared anchor's key that is brought, so that it can take over.");
        }

        await keys.ImportAsync(key, KeyUse.Anchor, context.CancellationToken);
        return await CommandAsync(trust => trust.TakeAnchorKeyAsync(hash));
    }

    public override async Task<Mesh.Admin.V1.Ledger> GetLedger(GetLedgerRequest request, ServerCallContext context)
    {
        var view = await ledger.ReadAsync(TrustDomain, context.CancellationToken);
        return new Mesh.Admin.V1.Ledger
        {
            Sequence = view.Bundle.Sequence,
            SignedAt = SignedBundle.Parse(view.Bundle.SignedBundle).Bundle.SignedAt.ToTimestamp(),
            Entries = { view.Entries.Select(entry => ToMessage(entry, view)) },
        };
    }

    // The check is before the command, not in it: an instance that holds a bundle does not go back, and one that enrolls holds the newest.
    private async Task CheckKnownAsync(string stage, string fate, CancellationToken cancellationToken)
    {
        var status = await TrustDomain.GetStatusAsync();
        if (status.Anchors.FirstOrDefault(anchor => anchor.Stage == stage) is not { } anchor)
        {
            // The grain says what is wrong with the order of steps.
            return;
        }

        var view = await ledger.ReadAsync(TrustDomain, cancellationToken);
        if (view.IsCut)
        {
            throw new MeshException(MeshError.Conflict, $"More instances are alive than can be looked at ({view.Entries.Count}). Force it once you know that all of them are connected.");
        }

        var behind = view.Behind(anchor.SinceSequence);
        if (behind.Count > 0)
        {
            var named = string.Join(", ", behind.Take(NamedInRefusal).Select(entry => $"{entry.Id} ({entry.InstanceId[..8]})"));
            var more = behind.Count > NamedInRefusal ? $" and {behind.Count - NamedInRefusal} more" : "";
            throw new MeshException(
                MeshError.Conflict,
                $"{behind.Count} instances have not acknowledged sequence {anchor.SinceSequence} and would be {fate}: {named}{more}. Wait for them, or force it.");
        }
    }

    private static ReadOnlyMemory<byte> OneCertificate(string pem) => (pem.Length == 0 ? [] : AdminMessages.Certificates(pem)) switch
    {
        [] => ReadOnlyMemory<byte>.Empty,
        [var one] => one,
        { Length: var count } => throw new MeshException(MeshError.InvalidRequest, $"There are {count} certificates; the new anchor's alone belongs there."),
    };

    private async Task<TrustDomain> CommandAsync(Func<ITrustDomainGrain, Task<TrustSnapshot>> command)
    {
        await command(TrustDomain);
        return AdminMessages.ToMessage(await TrustDomain.GetStatusAsync());
    }

    private static LedgerEntry ToMessage(TrustLedgerEntry entry, TrustLedgerView view) => new()
    {
        SpiffeId = entry.Id.ToString(),
        InstanceId = entry.InstanceId,
        Sequence = entry.Held?.Sequence ?? 0,
        AcknowledgedAt = entry.Held?.InForceAt.ToTimestamp(),
        IsConverged = view.IsConverged(entry),
        ConnectionsClosed = (ulong)(entry.Held?.ConnectionsClosed ?? 0),
        NotAfter = entry.NotAfter.ToTimestamp(),
    };
}
