using System.Buffers;
using Mesh.Spiffe;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>Where namespace and account stand in the subject of an issuer's tokens. One subject is one identity, read in one way.</summary>
internal sealed class SubjectTemplate
{
    /// <summary>Kubernetes' own form.</summary>
    public const string Kubernetes = $"system:serviceaccount:{Namespace}:{ServiceAccount}";

    private const string Namespace = "{namespace}";
    private const string ServiceAccount = "{service_account}";
    private const int MaxNamespaceChars = 63;
    private const int MaxServiceAccountChars = 253;

    // Namespaces are DNS labels in Kubernetes, and accounts DNS names, which have dots too.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-.");

    private readonly bool _isNamespaceFirst;
    private readonly string _before;
    private readonly string _between;
    private readonly string _after;

    private SubjectTemplate(bool isNamespaceFirst, string before, string between, string after) =>
        (_isNamespaceFirst, _before, _between, _after) = (isNamespaceFirst, before, between, after);

    /// <summary>What is wrong with a template, as the end of a sentence; null where nothing is.</summary>
    public static string? Problem(string text)
    {
        if (Count(text, Namespace) != 1 || Count(text, ServiceAccount) != 1)
        {
            return $"does not hold {Namespace} and {ServiceAccount} once each.";
        }

        var (_, _, between, _) = Split(text);
        return between.AsSpan().ContainsAnyExcept(NameCharacters)
            ? null
            : $"has nothing between {Namespace} and {ServiceAccount} that could not be part of a name, so that one subject could be read as two identities.";
    }

    /// <exception cref="FormatException">There is a <see cref="Problem"/>.</exception>
    public static SubjectTemplate Parse(string text)
    {
        if (Problem(text) is { } problem)
        {
            throw new FormatException($"The template '{text}' {problem}");
        }

        var (isNamespaceFirst, before, between, after) = Split(text);
        return new SubjectTemplate(isNamespaceFirst, before, between, after);
    }

    /// <summary>The identity of a subject; null where it does not have the template's form.</summary>
    public SpiffeId? Find(string subject, TrustDomainName trustDomain)
    {
        if (subject.Length < _before.Length + _between.Length + _after.Length
            || !subject.StartsWith(_before, StringComparison.Ordinal)
            || !subject.EndsWith(_after, StringComparison.Ordinal))
        {
            return null;
        }

        // What stands between holds a character that no name has, so it can be in one place at the most.
        var names = subject[_before.Length..^_after.Length];
        var at = names.IndexOf(_between, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var (first, second) = (names[..at], names[(at + _between.Length)..]);
        var (ns, account) = _isNamespaceFirst ? (first, second) : (second, first);
        return IsName(ns, MaxNamespaceChars) && !ns.Contains('.') && IsName(account, MaxServiceAccountChars)
            ? SpiffeId.ForWorkload(trustDomain, ns, account)
            : null;
    }

    // RFC 1123, as Kubernetes reads it.
    private static bool IsName(string text, int maxChars) =>
        text.Length > 0 && text.Length <= maxChars && !text.AsSpan().ContainsAnyExcept(NameCharacters)
        && text.Split('.').All(label => label.Length > 0 && label[0] != '-' && label[^1] != '-');

    private static (bool IsNamespaceFirst, string Before, string Between, string After) Split(string text)
    {
        var (ns, account) = (text.IndexOf(Namespace, StringComparison.Ordinal), text.IndexOf(ServiceAccount, StringComparison.Ordinal));
        var isNamespaceFirst = ns < account;
        var (first, firstLength) = isNamespaceFirst ? (ns, Namespace.Length) : (account, ServiceAccount.Length);
        var (second, secondLength) = isNamespaceFirst ? (account, ServiceAccount.Length) : (ns, Namespace.Length);
        return (isNamespaceFirst, text[..first], text[(first + firstLength)..second], text[(second + secondLength)..]);
    }

    private static int Count(string text, string word) => text.Split(word).Length - 1;
}
