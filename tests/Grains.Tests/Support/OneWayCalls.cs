using System.Collections.Concurrent;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.Traffic;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuance;

namespace Mesh.Grains.Tests.Support;

/// <summary>
/// Awaited calls between grains go one way: workload or enrollment, signer or renewal, issuer, trust domain; catalog, service. Any other arrow could wait for itself. In the
/// other direction a one-way nudge says "look again".
/// </summary>
internal sealed class OneWayCalls : IOutgoingGrainCallFilter
{
    private static readonly HashSet<(string From, Type To)> Allowed =
    [
        ("workload", typeof(ISignerGrain)), ("workload", typeof(IServiceGrain)), ("workload", typeof(ITrafficGrain)),
        ("enrollment", typeof(ISignerGrain)),
        ("renewal", typeof(IIssuerGrain)), ("renewal", typeof(IIssuanceGrain)),
        ("signer", typeof(IIssuerGrain)), ("signer", typeof(IIssuanceGrain)),
        ("issuer", typeof(ITrustDomainGrain)),
        ("workload-registry", typeof(IPolicyGrain)),
        ("service-catalog", typeof(IServiceGrain)),
    ];

    private static readonly HashSet<(string From, Type To)> AllowedOneWay = [("trust-domain", typeof(IIssuerGrain))];

    private static readonly ConcurrentDictionary<(string From, Type To), int> Seen = new();

    /// <summary>The arrows that any test of this run has taken.</summary>
    public static IReadOnlyCollection<(string From, Type To)> Taken => [.. Seen.Keys];

    public Task Invoke(IOutgoingGrainCallContext context)
    {
        var to = context.Request.GetInterfaceType();
        // Clients and Orleans' own parts are not grains of ours; their calls start a chain and are no part of one.
        if (context.SourceId is { } source && to.Namespace!.StartsWith("Mesh.", StringComparison.Ordinal) && !source.Type.IsClient() && !source.Type.IsSystemTarget())
        {
            var arrow = (source.Type.ToString()!, to);
            Seen.AddOrUpdate(arrow, 1, (_, count) => count + 1);
            var isOneWay = context.Request is Orleans.Serialization.Invocation.IInvokable && context.Request is RequestBase { Options: var options }
                && options.HasFlag(Orleans.CodeGeneration.InvokeMethodOptions.OneWay);
            if (!Allowed.Contains(arrow) && !(isOneWay && AllowedOneWay.Contains(arrow)))
            {
                throw new InvalidOperationException($"A call from {arrow.Item1} to {to.Name}.{context.MethodName} goes against the arrows.");
            }
        }

        return context.Invoke();
    }
}
